"""Pictures of nearly 50 megapixels that need the most decoder memory, and some that need too much."""

import io

import pillow_heif
import pyvips
from PIL import Image

from tests.media_svc import pictures

WIDTH, HEIGHT = 8660, 5772


def heavy_pictures() -> dict[str, tuple[str, bytes]]:
    """Return pictures that should be rendered, with their content types. Takes seconds."""
    rgb, rgba = _picture(3), _picture(4)
    return {
        "baseline JPEG": ("image/jpeg", rgb.jpegsave_buffer(Q=60)),
        "progressive JPEG in full colour": ("image/jpeg", _progressive(rgb)),
        "interlaced PNG with transparency": ("image/png", rgba.pngsave_buffer(interlace=True, compression=1)),
        "lossless WebP": ("image/webp", rgb.webpsave_buffer(lossless=True, effort=0)),
        "AVIF in full colour": ("image/avif", rgb.heifsave_buffer(compression="av1", effort=0, subsample_mode="off")),
        "HEIC": ("image/heic", _heic(rgb)),
    }


def too_heavy_pictures() -> dict[str, tuple[str, bytes]]:
    """Return pictures that need or claim to need too much memory."""
    cmyk = _picture(4).copy(interpretation="cmyk")
    return {
        "progressive JPEG in four full colours": ("image/jpeg", _progressive(cmyk)),
        "PNG bomb": ("image/png", pictures.png_header(30_000, 30_000)),
    }


def _picture(bands: int) -> pyvips.Image:
    """Return a picture that encodes quickly. Its content does not affect decoder memory."""
    stripes = pyvips.Image.identity().resize(WIDTH / 256, vscale=HEIGHT).cast("uchar")
    flat = [(stripes * 0 + 40 * band).cast("uchar") for band in range(1, bands)]
    picture: pyvips.Image = stripes.bandjoin(flat).copy(interpretation="srgb").copy_memory()
    return picture


def _progressive(picture: pyvips.Image) -> bytes:
    written: bytes = picture.jpegsave_buffer(Q=60, interlace=True, subsample_mode="off")
    return written


def _heic(picture: pyvips.Image) -> bytes:
    file = io.BytesIO()
    frame = Image.frombuffer("RGB", (WIDTH, HEIGHT), picture.write_to_memory())
    pillow_heif.from_pillow(frame).save(file, quality=30, chroma=420, enc_params={"preset": "ultrafast"})
    return file.getvalue()
