"""Pictures for tests, made with other libraries than the ones under test where possible."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageCms

from media_svc.photos.renditions import Rendered, RenderLimits, render
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.sandbox.recipes import Recipe

Colour = tuple[int, int, int]
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 230, 30)
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
}
PLACE_WORDS = b"somewhere-secret"

pillow_heif.register_heif_opener()


def quarters(width: int = 120, height: int = 80) -> Image.Image:
    """Return a picture of four colours: red, green / blue, yellow."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(YELLOW, (width // 2, height // 2, width, height))
    return picture


def noise(width: int, height: int) -> Image.Image:
    """Return a picture that compresses badly and decodes slowly."""
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


def encoded(picture: Image.Image, content_type: str, **options: Any) -> bytes:
    """Return a picture as a file of this type."""
    file = io.BytesIO()
    picture.save(file, FORMATS[content_type], **options)
    return file.getvalue()


def exif(orientation: int = 1) -> bytes:
    """Return EXIF with a place and an orientation."""
    written = Image.Exif()
    written[ExifTags.Base.Orientation] = orientation
    written[ExifTags.Base.Make] = b"Camera of " + PLACE_WORDS
    written[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSAreaInformation: PLACE_WORDS,
    }
    return written.tobytes()


def display_p3() -> bytes:
    """Return an ICC profile for Display P3: sRGB with other primaries."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colorants = {
        b"rXYZ": (0.5151, 0.2412, -0.0011),
        b"gXYZ": (0.2920, 0.6922, 0.0419),
        b"bXYZ": (0.1571, 0.0666, 0.7841),
    }
    for index in range(struct.unpack_from(">I", profile, 128)[0]):
        tag, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if tag in colorants:
            struct.pack_into(">3i", profile, offset + 8, *(round(part * 65536) for part in colorants[tag]))
    return bytes(profile)


def png_header(width: int, height: int) -> bytes:
    """Return a PNG whose header claims this size but whose pixels are missing."""
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(bytes(999)),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
        for tag, data in chunks.items()
    )


async def rendered(
    folder: Path,
    original: bytes,
    content_type: str,
    limits: RenderLimits | None = None,
    recipe: Recipe = Recipe.FIRST,
) -> Rendered:
    """Render a file as the worker does."""
    (folder / ORIGINAL_NAME).write_bytes(original)
    return await render(folder, content_type, limits or RenderLimits(), recipe)


def opened(made: Rendered) -> list[Image.Image]:
    """Return the renditions, decoded."""
    pictures: list[Image.Image] = [Image.open(io.BytesIO(content)) for content in made.contents.values()]
    for picture in pictures:
        picture.load()
    return pictures


def corner_colours(picture: Image.Image) -> list[Colour]:
    """Return the colours in the centre of the four quarters, row by row."""
    shown = picture.convert("RGB")
    spots = [
        (x, y) for y in (shown.height // 4, shown.height * 3 // 4) for x in (shown.width // 4, shown.width * 3 // 4)
    ]
    return [pixel(shown, *spot) for spot in spots]


def pixel(picture: Image.Image, x: int, y: int) -> Colour:
    """Return one pixel as red, green, blue."""
    value = picture.convert("RGB").getpixel((x, y))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def near(one: Colour, other: Colour, tolerance: int = 14) -> bool:
    """Return whether two colours are the same up to lossy coding."""
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))
