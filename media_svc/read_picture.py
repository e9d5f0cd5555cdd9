"""From a file to an image, its header judged before any pixel is decoded. Runs in the render process only."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pyvips
from PIL import Image

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sniff import HEAD_BYTES, require_type

# A 50-megapixel picture is what the best phones take; its pixels need 200 MB.
MAX_PIXELS = 50_000_000
# Only the first frame is shown. More frames than this is a film, or an attempt to keep us busy.
MAX_FRAMES = 60

# What libvips, libheif and glib say when they run into the memory limit or into a guard of their own.
_MEMORY_WORDS = ("out of memory", "insufficient memory", "memory allocation", "unable to allocate", "security limit")
# Orientations 5 to 8 turn the picture by a quarter.
_FIRST_QUARTER_TURN = 5


def open_picture(path: Path, content_type: str) -> pyvips.Image:
    """Return a file as an image whose pixels are not decoded yet; its metadata still holds orientation and colours.

    Raises MediaRejectedError: TYPE_MISMATCH, MEDIA_TOO_LARGE by what the header states, MEDIA_CORRUPT.
    """
    with path.open("rb") as file:
        require_type(file.read(HEAD_BYTES), content_type)
    if _is_archive(path):
        raise MediaRejectedError(FailureReason.TYPE_MISMATCH, "The file is also an archive.")
    with judged():
        return _open_heic(path) if content_type == "image/heic" else _open_by_vips(path, content_type)


def shown_size(image: pyvips.Image) -> tuple[int, int]:
    """Return an image's width and height after its orientation is applied."""
    turned = image.get_typeof("orientation") and image.get("orientation") >= _FIRST_QUARTER_TURN
    return (image.height, image.width) if turned else (image.width, image.height)


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


def _open_by_vips(path: Path, content_type: str) -> pyvips.Image:
    """Open with the one loader of that type. `fail_on` makes a cut or damaged file an error instead of grey pixels."""
    image = _LOADERS[content_type](str(path), access="sequential", fail_on="error")
    _check_pixels(image.width, image.height)
    _check_frames(_count_frames(path, content_type))
    return image


def _count_frames(path: Path, content_type: str) -> int:
    """Count frames by Pillow, which knows what libvips does not: animated PNG and AVIF sequences."""
    if content_type == "image/jpeg":
        return 1
    with Image.open(path, formats=[content_type.removeprefix("image/").upper()]) as picture:
        return getattr(picture, "n_frames", 1)


def _open_heic(path: Path) -> pyvips.Image:
    """Open by pillow-heif, as the libvips that comes from PyPI knows HEVC only by its header.

    libheif has applied the file's own rotation already, and a HEIC's EXIF orientation is to be ignored.
    """
    # Loaded here as a process reads one picture, and most are not HEIC.
    import pillow_heif

    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    _check_pixels(*file.size)
    _check_frames(len(file))
    frame = file[file.primary_index].to_pillow()
    pixels = frame if frame.mode in {"RGB", "RGBA"} else frame.convert("RGBA" if "A" in frame.mode else "RGB")
    image = pyvips.Image.new_from_memory(pixels.tobytes(), *pixels.size, len(pixels.mode), "uchar")
    image = image.copy(interpretation="srgb")
    if profile := frame.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(f"It has {width} x {height} pixels; {MAX_PIXELS:,} are allowed.")


def _check_frames(frames: int) -> None:
    if frames > MAX_FRAMES:
        raise _too_large(f"It has {frames} frames; {MAX_FRAMES} are allowed.")


def _too_large(message: str) -> MediaRejectedError:
    return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


# The whole list of what is ever decoded here: no SVG, no PDF, nothing that follows references out of the file.
_LOADERS: dict[str, Callable[..., pyvips.Image]] = {
    "image/jpeg": pyvips.Image.jpegload,
    "image/png": pyvips.Image.pngload,
    "image/webp": pyvips.Image.webpload,
    "image/avif": pyvips.Image.heifload,
}
