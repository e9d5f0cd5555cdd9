"""Open a file as an image, and judge its header before decoding any pixel. Runs in the render process only."""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import pyvips
from PIL import Image

from media_svc.colour_math import HDR_TRANSFERS
from media_svc.model import AnimatedPictureError, FailureReason, LargePictureError, MediaRejectedError
from media_svc.sandbox.decoder_memory import LARGE_AVIF_PIXELS, decoder_bytes, heic_decoder_bytes
from media_svc.sandbox.picture_limits import LARGE_PIXELS, MAX_PIXELS, NO_LIMITS, PictureLimits
from media_svc.sandbox.pixel_rows import from_rows
from media_svc.sandbox.sniff import HEAD_BYTES, require_type
from media_svc.sandbox.taken_at import TakenAt, taken_at_of_exif
from media_svc.sandbox.tone_map import mark_hdr

if TYPE_CHECKING:
    from pillow_heif import HeifFile

# Decoders may shrink while decoding, which saves memory, as long as the picture stays this wide: one and a half times the widest
# rendition, so that the last shrink is ours.
ENOUGH_WIDTH = 2_160
# For a large picture the width of the widest rendition is enough. Otherwise a narrow, high one would take too much memory.
_LARGE_ENOUGH_WIDTH = 1_440
# Of the pictures in a HEIC only the primary one is shown. More than this is an attack.
MAX_FRAMES = 60

_SDR_BITS = 8
# How libvips, libheif and glib report that they reached the memory limit or a limit of their own.
_MEMORY_WORDS = ("out of memory", "insufficient memory", "memory allocation", "unable to allocate", "security limit")
# Orientations 5 to 8 include a quarter turn.
_FIRST_QUARTER_TURN = 5
# The factors by which libjpeg can shrink while decoding.
_JPEG_SHRINKS = (8, 4, 2)
# Metadata for the file's own size, if the decoder shrinks the picture.
_OWN_WIDTH, _OWN_HEIGHT = "own-width", "own-height"
# EXIF, and that of a HEIC: its orientation must not be applied again.
_EXIFS = ("exif-data", "heic-exif")


def open_picture(path: Path, content_type: str, limits: PictureLimits = NO_LIMITS) -> pyvips.Image:
    """Open a file as an image that still holds orientation and colour metadata. Most decoding comes later.

    A large picture may have fewer pixels than its file: `shown_size` returns the file's own. Raises LargePictureError if it
    is above the limits, AnimatedPictureError, and MediaRejectedError: TYPE_MISMATCH, MEDIA_TOO_LARGE
    by its header, MEDIA_CORRUPT.
    """
    with path.open("rb") as file:
        require_type(file.read(HEAD_BYTES), content_type)
    if _is_archive(path):
        raise MediaRejectedError(FailureReason.TYPE_MISMATCH, "The file is also an archive.")
    with decoder_errors():
        opening = _open_heic if content_type == "image/heic" else partial(_open_by_vips, content_type=content_type)
        return opening(path, limits=limits)


def shown_size(image: pyvips.Image) -> tuple[int, int]:
    """Return the width and height of the picture in the file, after applying its orientation."""
    width, height = image.width, image.height
    if image.get_typeof(_OWN_WIDTH):
        width, height = image.get(_OWN_WIDTH), image.get(_OWN_HEIGHT)
    turned = image.get_typeof("orientation") and image.get("orientation") >= _FIRST_QUARTER_TURN
    return (height, width) if turned else (width, height)


def taken_at_of(image: pyvips.Image) -> TakenAt:
    """Return when the picture was taken, by its EXIF."""
    name = next((each for each in _EXIFS if image.get_typeof(each)), None)
    return taken_at_of_exif(image.get(name)) if name else TakenAt()


def _is_archive(path: Path) -> bool:
    """Return whether a file is also a ZIP, whose directory is at the end: a picture that other programs run.

    Other data that cameras append, such as a short film, is allowed: no rendition contains it.
    """
    try:
        with ZipFile(path):
            return True
    except (BadZipFile, NotImplementedError, OSError, OverflowError, ValueError, struct.error):
        return False


@contextmanager
def decoder_errors() -> Iterator[None]:
    """Turn decoder errors into MediaRejectedError. Other exceptions are our own mistakes and pass."""
    try:
        yield
    except MemoryError:
        raise _too_large("Decoding it needs too much memory.") from None
    except (pyvips.Error, OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        if any(words in str(error).lower() for words in _MEMORY_WORDS):
            raise _too_large("Decoding it needs too much memory.") from error
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.") from error


def _open_by_vips(path: Path, limits: PictureLimits, content_type: str) -> pyvips.Image:
    """Open with the loader for this type. `fail_on` makes damage an error instead of grey pixels."""
    load = partial(_LOADERS[content_type], str(path), access="sequential", fail_on="error")
    image = load()
    _check_pixels(image.width, image.height)
    if _count_frames(path, image, content_type) > 1:
        raise AnimatedPictureError
    is_large = image.width * image.height > LARGE_PIXELS
    spare = shown_size(image)[0] / (_LARGE_ENOUGH_WIDTH if is_large else ENOUGH_WIDTH)
    _check_limits(decoder_bytes(image, content_type, spare), image.width * image.height, limits)
    if content_type == "image/avif" and (_is_deep(image) or image.width * image.height > LARGE_AVIF_PIXELS):
        # Imported here because few pictures need it.
        from media_svc.sandbox.read_avif import read_avif

        return _with_file_size(read_avif(path, image, spare), image)
    return _with_file_size(load(**_shrink_options(content_type, spare)), image)


def _is_deep(image: pyvips.Image) -> bool:
    return bool(image.get_typeof("bits-per-sample")) and int(image.get("bits-per-sample")) > _SDR_BITS


def _shrink_options(content_type: str, spare: float) -> dict[str, float]:
    """Return loader options that shrink a picture which is `spare` times as wide as needed."""
    if content_type == "image/jpeg":
        return {"shrink": next((each for each in _JPEG_SHRINKS if each <= spare), 1)}
    if content_type == "image/webp" and spare > 1:
        return {"scale": 1 / spare}
    return {}


def _with_file_size(image: pyvips.Image, whole: pyvips.Image) -> pyvips.Image:
    """Record the file's own size in an image."""
    noted = image.copy()
    noted.set_type(pyvips.GValue.gint_type, _OWN_WIDTH, whole.width)
    noted.set_type(pyvips.GValue.gint_type, _OWN_HEIGHT, whole.height)
    return noted


def _count_frames(path: Path, image: pyvips.Image, content_type: str) -> int:
    """Count frames with Pillow, which also finds animated PNGs and AVIF sequences.

    For WebP, Pillow would need memory for all pixels, and libvips knows the count.
    """
    if content_type in {"image/jpeg", "image/webp"}:
        return int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
    with Image.open(path, formats=[content_type.removeprefix("image/").upper()]) as picture:
        return getattr(picture, "n_frames", 1)


def _open_heic(path: Path, limits: PictureLimits) -> pyvips.Image:
    """Open with pillow-heif, because the libvips wheel cannot decode HEVC.

    libheif has already applied the file's rotation; a HEIC's EXIF orientation must be ignored.
    """
    # Imported here because a process reads one picture, and most are not HEIC.
    import pillow_heif

    file = pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
    transfer, primaries = _coding_of(file)
    is_deep = transfer in HDR_TRANSFERS and file.mode.endswith(";16")
    if not is_deep:
        file = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    _check_pixels(*file.size)
    if len(file) > MAX_FRAMES:
        raise _too_large(f"It has {len(file)} pictures; {MAX_FRAMES} are allowed.")
    frame = file[file.primary_index]
    _check_limits(heic_decoder_bytes(*frame.size, frame.info), frame.size[0] * frame.size[1], limits)
    mode = frame.mode.removesuffix(";16")
    if mode not in _HEIC_BANDS:
        raise ValueError(f"a HEIC of {frame.mode}")
    image = from_rows(frame.data, frame.stride, *frame.size, bands=_HEIC_BANDS[mode], is_deep=is_deep)
    if profile := frame.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    if exif := frame.info.get("exif"):
        image.set_type(pyvips.GValue.blob_type, _EXIFS[1], exif)
    return mark_hdr(image, transfer, primaries) if mode.startswith("RGB") else image


def _coding_of(file: "HeifFile") -> tuple[int, int]:
    """Return the transfer function and primaries of a HEIC's primary picture; 0 if it does not state them."""
    info: Mapping[str, Any] = file[file.primary_index].info
    coding = info.get("nclx_profile") or {}
    return coding.get("transfer_characteristics", 0), coding.get("color_primaries", 0)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(f"It has {width} x {height} pixels; {MAX_PIXELS:,} are allowed.")


def _check_limits(needed_bytes: float, pixels: int, limits: PictureLimits) -> None:
    if needed_bytes > limits.decoder_bytes or pixels > limits.pixels:
        raise LargePictureError(f"{needed_bytes:,.0f} bytes, {pixels:,} pixels")


def _too_large(message: str) -> MediaRejectedError:
    return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


_HEIC_BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
# Everything that is ever decoded here: no SVG, no PDF, nothing that follows references out of the file.
_LOADERS: dict[str, Callable[..., pyvips.Image]] = {
    "image/jpeg": pyvips.Image.jpegload,
    "image/png": pyvips.Image.pngload,
    "image/webp": pyvips.Image.webpload,
    "image/avif": pyvips.Image.heifload,
    "image/gif": pyvips.Image.gifload,
}
