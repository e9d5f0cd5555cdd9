"""Decode AVIFs that libvips does not decode well: HDR ones, and those too large for libaom. Runs in the render process only.

Large ones are decoded by dav1d, directly at a smaller size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pyvips
from av.container import InputContainer
from av.video.frame import VideoFrame

from media_svc.colour_math import HDR_TRANSFERS
from media_svc.sandbox.containers import DEMUXER_OPTIONS
from media_svc.sandbox.decoder_memory import LARGE_AVIF_PIXELS
from media_svc.sandbox.pixel_rows import from_rows
from media_svc.sandbox.tone_map import mark_hdr

_DEMUXER = "mov"
_BOX_HEADER_BYTES = 8
# The largest description box to read, including colour profiles.
_MOST_DESCRIPTION_BYTES = 4 * 1024 * 1024
# Properties that this decoder does not apply: mirrored, cropped, assembled from tiles, or derived from another picture.
_BEYOND_US = (b"imir", b"clap", b"grid", b"iovl", b"iden")
_ROTATION = b"irot"
# The file counts quarter turns counterclockwise, libvips clockwise.
_TURNS = ("copy", "rot270", "rot180", "rot90")
_KEPT = ("icc-profile-data", "orientation", "exif-data")
_RGB = 3


def read_avif(path: Path, whole: pyvips.Image, spare: float) -> pyvips.Image:
    """Return the picture, marked if it is HDR. A large one is shrunk `spare` times if that is above 1.

    `whole` is the same file opened by libvips. Raises ValueError, OSError or MemoryError.
    """
    if whole.width * whole.height > LARGE_AVIF_PIXELS:
        return read_large_avif(path, whole, spare)
    return _marked(path, whole)


def read_large_avif(path: Path, whole: pyvips.Image, spare: float) -> pyvips.Image:
    """Return the picture decoded by dav1d, shrunk `spare` times if that is above 1.

    If it is more than plain pixels, it is `whole`: libvips decodes with libaom, and handles every property.
    """
    turn = _plain_turn(path, whole)
    return _like(whole, getattr(_decode(path, max(1.0, spare)), turn)()) if turn else _marked(path, whole)


def _marked(path: Path, whole: pyvips.Image) -> pyvips.Image:
    with _opened(path) as container:
        coding = container.streams.video[0].codec_context
        return mark_hdr(whole, coding.color_trc, coding.color_primaries)


def _plain_turn(path: Path, whole: pyvips.Image) -> str:
    """Return how to rotate a picture that is plain pixels, or nothing if it is more than that."""
    description = _description(path)
    if whole.hasalpha() or not description or any(each in description for each in _BEYOND_US):
        return ""
    at = description.find(_ROTATION)
    return _TURNS[description[at + len(_ROTATION)] & 3] if at >= 0 else _TURNS[0]


def _like(whole: pyvips.Image, pixels: pyvips.Image) -> pyvips.Image:
    """Give pixels the metadata of the whole picture."""
    for name in _KEPT:
        if kind := whole.get_typeof(name):
            pixels.set_type(kind, name, whole.get(name))
    return pixels


def _decode(path: Path, spare: float) -> pyvips.Image:
    with _opened(path) as container:
        stream = container.streams.video[0]
        # More threads would hold more frames in memory.
        stream.codec_context.thread_count = 1
        return _pixels_of(next(container.decode(stream)), spare)


def _pixels_of(frame: VideoFrame, spare: float) -> pyvips.Image:
    width, height = max(1, round(frame.width / spare)), max(1, round(frame.height / spare))
    is_deep = frame.color_trc in HDR_TRANSFERS
    shown = frame.reformat(width, height, "rgb48le" if is_deep else "rgb24", interpolation="AREA")
    rows = shown.planes[0]
    pixels = from_rows(memoryview(rows), rows.line_size, width, height, _RGB, is_deep=is_deep)
    return mark_hdr(pixels, frame.color_trc, frame.color_primaries)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    options = DEMUXER_OPTIONS[_DEMUXER] | {"protocol_whitelist": "file"}
    try:
        with av.open(str(path), format=_DEMUXER, options=options) as container:
            yield container
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    except (IndexError, StopIteration) as error:
        raise ValueError("there is no picture in it") from error


def _description(path: Path) -> bytes:
    """Return the box that describes the picture, or nothing if it is missing or implausibly large."""
    with path.open("rb") as file:
        while len(header := file.read(_BOX_HEADER_BYTES)) == _BOX_HEADER_BYTES:
            size, name = int.from_bytes(header[:4], "big"), header[4:]
            if name == b"meta":
                return file.read(size - _BOX_HEADER_BYTES) if size <= _MOST_DESCRIPTION_BYTES else b""
            if size < _BOX_HEADER_BYTES:  # reaches to the end of the file, or is too long for four bytes
                return b""
            file.seek(size - _BOX_HEADER_BYTES, 1)
    return b""
