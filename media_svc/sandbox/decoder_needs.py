"""How much memory the decoder of a picture will keep, as its header tells: somewhat more than was seen with the versions pinned.

Most decode row by row. What has to be known as a whole before the first row can be shown is what takes memory.
"""

from collections.abc import Mapping
from typing import Any

import pyvips

# Above it dav1d is worth loading: libaom takes 14 bytes for each pixel.
LARGE_AVIF_PIXELS = 8_000_000
_AOM_BYTES, _DAV1D_BYTES = 14, 6
# libwebp's own, and libvips' two.
_WEBP_BYTES, _WEBP_SHOWN_BYTES = 4, 8
# libheif has planes and interleaved pixels, and on the way from full chroma or more bits a third form.
_HEIC_BYTES, _RICH_HEIC_BYTES = 5, 12
_HALF_CHROMA, _PLAIN_BITS = 420, 8


def need_by_header(image: pyvips.Image, content_type: str, spare: float) -> float:
    """Return the bytes for a file that libvips has opened, of which a `spare`-th of the width will be decoded."""
    pixels: int = image.width * image.height
    bands: int = image.bands
    match content_type:
        case "image/jpeg":
            # A progressive one: two bytes for each coefficient.
            return pixels * bands * 2 if _flag(image, "jpeg-multiscan") else 0
        case "image/png":
            return pixels * bands * (2 if image.format == "ushort" else 1) if _flag(image, "interlaced") else 0
        case "image/webp":
            return pixels * (_WEBP_BYTES + _WEBP_SHOWN_BYTES / max(1.0, spare) ** 2)
    return pixels * (_DAV1D_BYTES if pixels > LARGE_AVIF_PIXELS and not image.hasalpha() else _AOM_BYTES)


def heic_need(width: int, height: int, info: Mapping[str, Any]) -> float:
    """Return the bytes for a HEIC, of which pillow-heif tells this."""
    is_plain = info.get("chroma") == _HALF_CHROMA and info.get("bit_depth") == _PLAIN_BITS
    return width * height * (_HEIC_BYTES if is_plain else _RICH_HEIC_BYTES)


def _flag(image: pyvips.Image, name: str) -> bool:
    return bool(image.get_typeof(name) and image.get(name))
