"""Encode pictures as ThumbHash: a blurred preview in some 25 bytes (https://evanw.github.io/thumbhash/).

Our own code, because no package for it has wheels for every Python and for Linux on ARM. Decoding is up to apps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

MAX_SIDE = 100
"""The format takes no more pixels than this in either direction."""
# An even channel has no waves. What the arithmetic leaves instead is far below this, and the smallest real wave far above.
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Waves:
    """A channel as cosine waves: its average, the strongest wave, and each wave as a part of that, from 0 to 1."""

    average: float
    strongest: float = 0.0
    parts: Sequence[float] = ()


def encode_thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the ThumbHash of pixels that take four bytes each, row by row."""
    light, yellow, red, alpha = _channels(rgba)
    opaque = min(alpha) == 1
    across, down = (max(1, _round((7 if opaque else 5) * side / max(width, height))) for side in (width, height))
    light_waves = _waves(light, width, max(3, across), max(3, down))
    yellow_waves, red_waves = _waves(yellow, width, 3, 3), _waves(red, width, 3, 3)
    alpha_waves = [] if opaque else [_waves(alpha, width, 5, 5)]
    landscape = width > height
    first = _packed(
        (6, 63 * light_waves.average),
        (6, 31.5 + 31.5 * yellow_waves.average),
        (6, 31.5 + 31.5 * red_waves.average),
        (5, 31 * light_waves.strongest),
        (1, not opaque),
    ).to_bytes(3, "little")
    second = _packed(
        (3, down if landscape else across),
        (6, 63 * yellow_waves.strongest),
        (6, 63 * red_waves.strongest),
        (1, landscape),
    ).to_bytes(2, "little")
    third = bytes(_packed((4, 15 * each.average), (4, 15 * each.strongest)) for each in alpha_waves)
    parts = [part for waves in (light_waves, yellow_waves, red_waves, *alpha_waves) for part in waves.parts]
    body = _packed(*((4, 15 * part) for part in parts)).to_bytes((len(parts) + 1) // 2, "little")
    return first + second + third + body


def _channels(rgba: bytes) -> tuple[list[float], list[float], list[float], list[float]]:
    """Split pixels into light, yellow against blue, red against green, and alpha. The average colour fills what is clear."""
    alpha = [each / 255 for each in rgba[3::4]]
    covered = sum(alpha) or 1.0
    planes: list[list[float]] = []
    for plane in (rgba[0::4], rgba[1::4], rgba[2::4]):
        average = sum(map(mul, plane, alpha)) / 255 / covered
        planes.append([average * (1 - a) + a * each / 255 for each, a in zip(plane, alpha, strict=True)])
    reds, greens, blues = planes
    light = [(r + g + b) / 3 for r, g, b in zip(reds, greens, blues, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(reds, greens, blues, strict=True)]
    return light, yellow, [r - g for r, g in zip(reds, greens, strict=True)], alpha


def _waves(channel: Sequence[float], width: int, across: int, down: int) -> Waves:
    """Transform a channel. Of the waves, the format keeps those in a triangle of `across` by `down`, the slowest first."""
    height = len(channel) // width
    rows = [channel[start : start + width] for start in range(0, len(channel), width)]
    by_row = [[sum(map(mul, row, wave)) for row in rows] for wave in _cosines(across, width)]
    average, *waves = [
        sum(map(mul, by_row[x], wave)) / len(channel)
        for y, wave in enumerate(_cosines(down, height))
        for x in range(across)
        if x * down < across * (down - y)
    ]
    strongest = max(map(abs, waves))
    if strongest < _NOISE:
        return Waves(average, 0.0, [0.0] * len(waves))
    return Waves(average, strongest, [0.5 + 0.5 / strongest * wave for wave in waves])


def _cosines(count: int, length: int) -> list[list[float]]:
    return [[math.cos(math.pi / length * wave * (at + 0.5)) for at in range(length)] for wave in range(count)]


def _packed(*fields: tuple[int, float]) -> int:
    """Put numbers one after another, each into so many bits, the first into the lowest."""
    packed = shift = 0
    for bits, value in fields:
        packed |= _round(value) << shift
        shift += bits
    return packed


def _round(value: float) -> int:
    """Round halves up, as the format does, and Python's `round` does not."""
    return math.floor(value + 0.5)
