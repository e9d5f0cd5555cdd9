"""Draws random pictures. The same seed gives the same pictures."""

import io
import math
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageOps

Colour = tuple[int, int, int]

SIZES = ((1080, 1350), (1080, 1080), (1350, 900), (1600, 900), (900, 1600))
"""Portrait, square, landscape, wide and full-screen phone formats."""

PALETTES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((24, 20, 60), (214, 93, 96), (255, 205, 138)),
    ((12, 44, 76), (52, 137, 168), (222, 240, 233)),
    ((35, 24, 51), (120, 75, 142), (246, 188, 201)),
    ((16, 42, 35), (94, 146, 94), (240, 226, 164)),
    ((20, 20, 28), (96, 108, 128), (235, 232, 226)),
)
"""Dark, middle, light."""


def draw_picture(chance: Random) -> bytes:
    """Draw a JPEG of 50 to 200 kB, in 0.05 s of CPU."""
    size = chance.choice(SIZES)
    dark, middle, light = palette = chance.choice(PALETTES)
    picture = _sky(size, palette)
    if chance.random() < 0.5:  # noqa: PLR2004 - half of the pictures
        _sun(picture, light, chance)
        _hills(picture, dark, middle, chance)
    else:
        picture = _lights(picture, light, chance)
        _skyline(picture, dark, light, chance)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=88)
    return file.getvalue()


def _sky(size: tuple[int, int], palette: tuple[Colour, Colour, Colour]) -> Image.Image:
    dark, middle, light = palette
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), black=dark, mid=middle, white=light)


def _sun(picture: Image.Image, light: Colour, chance: Random) -> None:
    width, height = picture.size
    x, y, radius = (
        chance.uniform(0.2, 0.8) * width,
        chance.uniform(0.3, 0.5) * height,
        chance.uniform(0.05, 0.1) * width,
    )
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), fill=light)


def _hills(picture: Image.Image, dark: Colour, middle: Colour, chance: Random, ranges: int = 5) -> None:
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for number in range(ranges):
        near = (number + 1) / ranges
        waves = [(chance.uniform(0.5, 3.5), chance.uniform(0, math.tau), chance.uniform(0.01, 0.04)) for _ in range(4)]
        base = 0.5 + 0.4 * near
        ridge = [
            (x, height * (base + sum(a * math.sin(f * math.tau * x / width + p) for f, p, a in waves)))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *ridge, (width, height)], fill=_between(middle, dark, near))


def _lights(picture: Image.Image, light: Colour, chance: Random) -> Image.Image:
    width, height = picture.size
    glow = Image.new("L", picture.size)
    draw = ImageDraw.Draw(glow)
    for _ in range(chance.randint(20, 50)):
        x, y, radius = chance.uniform(0, width), chance.uniform(0, height * 0.8), chance.uniform(10, 70)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=chance.randint(30, 130))
    return Image.composite(Image.new("RGB", picture.size, light), picture, glow.filter(ImageFilter.GaussianBlur(4)))


def _skyline(picture: Image.Image, dark: Colour, light: Colour, chance: Random) -> None:
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    x = 0
    while x < width:
        wide, top = chance.randint(60, 150), round(height * chance.uniform(0.5, 0.85))
        draw.rectangle((x, top, x + wide, height), fill=dark)
        for left in range(x + 10, x + wide - 14, 24):
            for up in range(top + 14, height, 32):
                if chance.random() < 0.4:  # noqa: PLR2004 - share of lit windows
                    draw.rectangle((left, up, left + 10, up + 14), fill=light)
        x += wide + chance.randint(0, 12)


def _between(start: Colour, end: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue
