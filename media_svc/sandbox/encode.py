"""Encode an image as the files that apps load. Runs in the render process only."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyvips

from media_svc.sandbox.read_picture import decoder_errors, shown_size
from media_svc.sandbox.recipes import Recipe
from media_svc.sandbox.thumbhash import MAX_SIDE, encode_thumbhash
from media_svc.sandbox.tone_map import is_hdr, tone_mapped

# A grid cell, a small phone, a large phone, and the widest feed of a phone.
RUNG_WIDTHS = (320, 640, 1080, 1440)
# WebP allows no more rows than this; JPEG allows 65,535.
MAX_HEIGHT = 16_383
# libaom takes 24 bytes per encoded pixel. Only a picture four times as high as wide has more pixels.
MAX_AVIF_PIXELS = 8_500_000
# At a higher effort it takes 40. A phone's 9:16 photo is within this limit.
MAX_BETTER_PIXELS = 4_000_000
WHITE = 255.0


@dataclass(frozen=True, slots=True)
class Encoding:
    """One format: its content type, file extension, and how to write it without metadata.

    Images with more than `most_pixels` pixels are not written in it.
    """

    content_type: str
    extension: str
    write: Callable[[pyvips.Image], bytes]
    most_pixels: float = math.inf


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """Return the sizes of a picture's renditions, narrowest first: every smaller rung, then its own width.

    Nothing is enlarged. The own width is limited to the last rung, and so that the height stays below MAX_HEIGHT: 4000
    gives 320, 640, 1080, 1440; 700 gives 320, 640, 700; 200 gives 200.
    """
    widest = max(1, min(width, RUNG_WIDTHS[-1], width * MAX_HEIGHT // height))
    widths = [*(rung for rung in RUNG_WIDTHS if rung < widest), widest]
    return [(each, min(MAX_HEIGHT, max(1, round(height * each / width)))) for each in widths]


def decode_largest(image: pyvips.Image) -> pyvips.Image:
    """Decode all pixels into the largest rendition: upright, sRGB, 8 bits, in memory. The others shrink from it.

    Raises MediaRejectedError if the pixels are cut off or damaged.
    """
    width, height = sizes(*shown_size(image))[-1]
    with decoder_errors():
        if is_hdr(image):
            return tone_mapped(_resized(image.autorot(), width, height)).copy_memory()
        largest = image.thumbnail_image(width, height=height, size="force", output_profile="srgb")
        return largest.colourspace("srgb").cast("uchar").copy_memory()


def _resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Return an image in another size, with all of its bits."""
    return image.resize(width / image.width, vscale=height / image.height)


def shrink(largest: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Return the largest rendition at a smaller size."""
    if (largest.width, largest.height) == (width, height):
        return largest
    return largest.thumbnail_image(width, height=height, size="force").copy_memory()


def thumbhash(image: pyvips.Image) -> bytes:
    """Return about 25 bytes from which an app draws a blurred preview."""
    small = image.thumbnail_image(MAX_SIDE, height=MAX_SIDE, size="down")
    pixels = small if small.hasalpha() else small.bandjoin(255)
    return encode_thumbhash(pixels.width, pixels.height, bytes(pixels.cast("uchar").write_to_memory()))


def _jpeg(image: pyvips.Image) -> bytes:
    opaque = image.flatten(background=[WHITE] * 3) if image.hasalpha() else image
    written: bytes = opaque.jpegsave_buffer(Q=80, interlace=True, optimize_coding=True, keep="none")
    return written


def _webp(image: pyvips.Image) -> bytes:
    written: bytes = image.webpsave_buffer(Q=80, effort=2, keep="none")
    return written


def _avif(image: pyvips.Image, effort: int = 1) -> bytes:
    written: bytes = image.heifsave_buffer(Q=55, effort=effort, compression="av1", bitdepth=8, keep="none")
    return written


# In the order in which apps should choose: smallest files first, most compatible last.
ENCODINGS = (
    Encoding("image/avif", "avif", _avif, MAX_AVIF_PIXELS),
    Encoding("image/webp", "webp", _webp),
    Encoding("image/jpeg", "jpg", _jpeg),
)
# Takes ten to twenty times as long, for 2 to 15 % fewer bytes.
BETTER_AVIF = Encoding("image/avif", "avif", partial(_avif, effort=4), MAX_BETTER_PIXELS)
RECIPES = {Recipe.FIRST: ENCODINGS, Recipe.BETTER_AVIF: (BETTER_AVIF,)}
