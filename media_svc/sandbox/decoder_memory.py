"""Estimate how much memory a picture's decoder keeps, from its header: slightly above measurements of the pinned versions.

Most formats are decoded row by row. Memory goes to pictures that must be decoded completely before the first row.
"""

from collections.abc import Mapping
from typing import Any

import pyvips

# Above this, loading dav1d pays: libaom takes 14 bytes per pixel.
LARGE_AVIF_PIXELS = 8_000_000
_AOM_BYTES, _DAV1D_BYTES = 14, 6
# RGBA of the frame and of the one before it.
_GIF_BYTES = 8
# libwebp's own, and libvips' two.
_WEBP_BYTES, _WEBP_SHOWN_BYTES = 4, 8
# libheif holds planes and interleaved pixels, and a third copy for full chroma or more than 8 bits.
_HEIC_BYTES, _RICH_HEIC_BYTES = 5, 12
_HALF_CHROMA, _PLAIN_BITS = 420, 8


def decoder_bytes(image: pyvips.Image, content_type: str, spare: float) -> float:
    """Return the bytes for a file opened by libvips whose width will be shrunk `spare` times."""
    pixels: int = image.width * image.height
    bands: int = image.bands
    match content_type:
        case "image/jpeg":
            # A progressive JPEG keeps two bytes per coefficient.
            return pixels * bands * 2 if _flag(image, "jpeg-multiscan") else 0
        case "image/png":
            return pixels * bands * (2 if image.format == "ushort" else 1) if _flag(image, "interlaced") else 0
        case "image/gif":
            return pixels * _GIF_BYTES
        case "image/webp":
            return pixels * (_WEBP_BYTES + _WEBP_SHOWN_BYTES / max(1.0, spare) ** 2)
    return pixels * (_DAV1D_BYTES if pixels > LARGE_AVIF_PIXELS and not image.hasalpha() else _AOM_BYTES)


def heic_decoder_bytes(width: int, height: int, info: Mapping[str, Any]) -> float:
    """Return the bytes for a HEIC with this size and pillow-heif's `info`."""
    is_plain = info.get("chroma") == _HALF_CHROMA and info.get("bit_depth") == _PLAIN_BITS
    return width * height * (_HEIC_BYTES if is_plain else _RICH_HEIC_BYTES)


def _flag(image: pyvips.Image, name: str) -> bool:
    return bool(image.get_typeof(name) and image.get(name))
