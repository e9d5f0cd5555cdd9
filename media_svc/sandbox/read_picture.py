"""From a file to an image, its header judged before any pixel is decoded. Runs in the render process only."""

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pyvips
from PIL import Image

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.decoder_needs import LARGE_AVIF_PIXELS, heic_need, need_by_header
from media_svc.sandbox.pixel_rows import from_rows
from media_svc.sandbox.sniff import HEAD_BYTES, require_type

# A 50-megapixel picture is what the best phones take; its pixels need 200 MB.
MAX_PIXELS = 50_000_000
# Decoders may hand over fewer pixels than there are, as long as the picture stays this wide: half as much again as the widest
# rendition, so that shrinking to that is still ours. What is not handed over takes no memory.
ENOUGH_WIDTH = 2_160
# For a large one the widest rendition's own width is enough: else one that is narrow and high would take too much.
_LARGE_PIXELS, _LARGE_ENOUGH_WIDTH = 25_000_000, 1_440
# Only the first frame is shown. More frames than this is a film, or an attempt to keep us busy.
MAX_FRAMES = 60

# What libvips, libheif and glib say when they run into the memory limit or into a guard of their own.
_MEMORY_WORDS = ("out of memory", "insufficient memory", "memory allocation", "unable to allocate", "security limit")
# Orientations 5 to 8 turn the picture by a quarter.
_FIRST_QUARTER_TURN = 5
# What libjpeg can leave out while it decodes.
_JPEG_SHRINKS = (8, 4, 2)
# An image's own metadata, where fewer pixels were decoded than its file has.
_OWN_WIDTH, _OWN_HEIGHT = "own-width", "own-height"


class NeedsRoomError(Exception):
    """Decoding a picture needs more memory than there was said to be room for."""


def open_picture(path: Path, content_type: str, room_bytes: float = math.inf) -> pyvips.Image:
    """Return a file as an image; its metadata still holds orientation and colours. Most of the decoding is yet to come.

    A large one may have fewer pixels than its file: `shown_size` knows the file's own. Raises NeedsRoomError where its decoder
    would keep more than `room_bytes`. Raises MediaRejectedError: TYPE_MISMATCH, MEDIA_TOO_LARGE by what the header states,
    MEDIA_CORRUPT.
    """
    with path.open("rb") as file:
        require_type(file.read(HEAD_BYTES), content_type)
    if _is_archive(path):
        raise MediaRejectedError(FailureReason.TYPE_MISMATCH, "The file is also an archive.")
    with judged():
        opening = _open_heic if content_type == "image/heic" else partial(_open_by_vips, content_type=content_type)
        return opening(path, room_bytes=room_bytes)


def shown_size(image: pyvips.Image) -> tuple[int, int]:
    """Return the width and height that an image has in its file, after its orientation is applied."""
    width, height = image.width, image.height
    if image.get_typeof(_OWN_WIDTH):
        width, height = image.get(_OWN_WIDTH), image.get(_OWN_HEIGHT)
    turned = image.get_typeof("orientation") and image.get("orientation") >= _FIRST_QUARTER_TURN
    return (height, width) if turned else (width, height)


def _is_archive(path: Path) -> bool:
    """Return whether a file can also be read as a ZIP, whose table lies at the end: a picture for one, a program for another.

    What else cameras put behind a picture, such as a short film, is let pass: it is in no rendition.
    """
    try:
        with ZipFile(path):
            return True
    except (BadZipFile, NotImplementedError, OSError, OverflowError, ValueError, struct.error):
        return False


@contextmanager
def judged() -> Iterator[None]:
    """Turn what decoders raise about bad bytes into MediaRejectedError; anything else is our own mistake and passes."""
    try:
        yield
    except MemoryError:
        raise _too_large("Decoding it needs too much memory.") from None
    except (pyvips.Error, OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        if any(words in str(error).lower() for words in _MEMORY_WORDS):
            raise _too_large("Decoding it needs too much memory.") from error
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.") from error


def _open_by_vips(path: Path, room_bytes: float, content_type: str) -> pyvips.Image:
    """Open with the one loader of that type. `fail_on` makes a cut or damaged file an error instead of grey pixels."""
    load = partial(_LOADERS[content_type], str(path), access="sequential", fail_on="error")
    image = load()
    _check_pixels(image.width, image.height)
    _check_frames(_count_frames(path, image, content_type))
    is_large = image.width * image.height > _LARGE_PIXELS
    spare = shown_size(image)[0] / (_LARGE_ENOUGH_WIDTH if is_large else ENOUGH_WIDTH)
    _check_room(need_by_header(image, content_type, spare), room_bytes)
    if content_type == "image/avif" and image.width * image.height > LARGE_AVIF_PIXELS:
        # Loaded here as few pictures need it.
        from media_svc.sandbox.read_large_avif import read_large_avif

        return _of_file(read_large_avif(path, image, spare), image)
    return _of_file(load(**_fewer_pixels(content_type, spare)), image)


def _fewer_pixels(content_type: str, spare: float) -> dict[str, float]:
    """Return what has a loader decode fewer pixels, given how many times as wide as needed a picture is."""
    if content_type == "image/jpeg":
        return {"shrink": next((each for each in _JPEG_SHRINKS if each <= spare), 1)}
    if content_type == "image/webp" and spare > 1:
        return {"scale": 1 / spare}
    return {}


def _of_file(image: pyvips.Image, whole: pyvips.Image) -> pyvips.Image:
    """Note in an image how large the whole one is."""
    noted = image.copy()
    noted.set_type(pyvips.GValue.gint_type, _OWN_WIDTH, whole.width)
    noted.set_type(pyvips.GValue.gint_type, _OWN_HEIGHT, whole.height)
    return noted


def _count_frames(path: Path, image: pyvips.Image, content_type: str) -> int:
    """Count frames by Pillow, which knows what libvips does not: animated PNG and AVIF sequences.

    Of a WebP it would take room for all pixels, and libvips knows that by itself.
    """
    if content_type in {"image/jpeg", "image/webp"}:
        return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
    with Image.open(path, formats=[content_type.removeprefix("image/").upper()]) as picture:
        return getattr(picture, "n_frames", 1)


def _open_heic(path: Path, room_bytes: float) -> pyvips.Image:
    """Open by pillow-heif, as the libvips that comes from PyPI knows HEVC only by its header.

    libheif has applied the file's own rotation already, and a HEIC's EXIF orientation is to be ignored.
    """
    # Loaded here as a process reads one picture, and most are not HEIC.
    import pillow_heif

    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    _check_pixels(*file.size)
    _check_frames(len(file))
    frame = file[file.primary_index]
    _check_room(heic_need(*frame.size, frame.info), room_bytes)
    if frame.mode not in _HEIC_BANDS:
        raise ValueError(f"a HEIC of {frame.mode}")
    image = from_rows(frame.data, frame.stride, *frame.size, bands=_HEIC_BANDS[frame.mode])
    if profile := frame.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(f"It has {width} x {height} pixels; {MAX_PIXELS:,} are allowed.")


def _check_room(need_bytes: float, room_bytes: float) -> None:
    if need_bytes > room_bytes:
        raise NeedsRoomError(f"{need_bytes:,.0f} bytes")


def _check_frames(frames: int) -> None:
    if frames > MAX_FRAMES:
        raise _too_large(f"It has {frames} frames; {MAX_FRAMES} are allowed.")


def _too_large(message: str) -> MediaRejectedError:
    return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


_HEIC_BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
# The whole list of what is ever decoded here: no SVG, no PDF, nothing that follows references out of the file.
_LOADERS: dict[str, Callable[..., pyvips.Image]] = {
    "image/jpeg": pyvips.Image.jpegload,
    "image/png": pyvips.Image.pngload,
    "image/webp": pyvips.Image.webpload,
    "image/avif": pyvips.Image.heifload,
}
