"""Decode an AVIF that is too large for libaom: with dav1d, directly at a smaller size. Render process only."""

from pathlib import Path

import av
import pyvips

from media_svc.sandbox.containers import DEMUXER_OPTIONS
from media_svc.sandbox.pixel_rows import from_rows

_DEMUXER = "mov"
_BOX_HEADER_BYTES = 8
# The largest description box to read, including colour profiles.
_MOST_DESCRIPTION_BYTES = 4 * 1024 * 1024
# Properties that this decoder does not apply: mirrored, cropped, assembled from tiles, or derived from another picture.
_BEYOND_US = (b"imir", b"clap", b"grid", b"iovl", b"iden")
_ROTATION = b"irot"
# The file counts quarter turns counterclockwise, libvips clockwise.
_TURNS = ("copy", "rot270", "rot180", "rot90")
_KEPT = ("icc-profile-data", "orientation")
_RGB = 3


def read_large_avif(path: Path, whole: pyvips.Image, spare: float) -> pyvips.Image:
    """Return the picture, shrunk `spare` times if that is above 1, or `whole` if it is not plain pixels.

    `whole` is the same file opened by libvips, which decodes with libaom and handles every property. Raises ValueError,
    OSError or MemoryError.
    """
    description = _description(path)
    if whole.hasalpha() or not description or any(each in description for each in _BEYOND_US):
        return whole
    pixels = _decode(path, max(1.0, spare))
    at = description.find(_ROTATION)
    if at >= 0:
        pixels = getattr(pixels, _TURNS[description[at + len(_ROTATION)] & 3])()
    for name in _KEPT:
        if kind := whole.get_typeof(name):
            pixels.set_type(kind, name, whole.get(name))
    return pixels


def _decode(path: Path, spare: float) -> pyvips.Image:
    options = DEMUXER_OPTIONS[_DEMUXER] | {"protocol_whitelist": "file"}
    try:
        with av.open(str(path), format=_DEMUXER, options=options) as container:
            stream = container.streams.video[0]
            # More threads would hold more frames in memory.
            stream.codec_context.thread_count = 1
            frame = next(container.decode(stream))
        width, height = max(1, round(frame.width / spare)), max(1, round(frame.height / spare))
        shown = frame.reformat(width, height, "rgb24", interpolation="AREA")
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    except (IndexError, StopIteration) as error:
        raise ValueError("there is no picture in it") from error
    rows = shown.planes[0]
    return from_rows(memoryview(rows), rows.line_size, width, height, _RGB)


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
