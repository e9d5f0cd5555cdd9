"""In which qualities a video comes out. Pure rules; what videos are taken at all is in `media_svc.sandbox.film_limits`."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

# The shorter side in pixels, so that a standing film has the same rungs as a lying one. From one to the next it is some 1.5 to 2.
RUNG_SIDES = (240, 480, 720, 1080)
# A film between two rungs gets one of its own size, if that is so much more than the rung below: 478 lines would else end as 240.
OWN_SIZE_FROM = 1.2
# The file for who cannot play HLS is of at most this side: a whole film, and no player that could go down when the network does.
MP4_SIDE = 720
SEGMENT_SECONDS = 4

# What 720 lines of 30 frames may take at most, in bits a second; the eye forgives a larger picture more loss for each pixel.
_REFERENCE_BITS = 2_800_000
_REFERENCE_PIXELS = 1280 * 720
_PIXELS_EXPONENT = 0.8
_FAST_FROM = 40
_FAST_FACTOR = 1.4
_LOWEST_BITS = 100_000


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of an original. Pixels are as shown: upright, and square.

    `video_stream` and `audio_stream` are numbers of streams in the file; `audio_stream` is None without sound.
    """

    width: int
    height: int
    duration_ms: int
    frame_rate: Fraction
    video_stream: int
    audio_stream: int | None


@dataclass(frozen=True, slots=True)
class RungPlan:
    """One quality to make. Sides are even, as H.264 with colours at half the resolution needs them."""

    side: int
    width: int
    height: int
    video_bits: int
    audio_bits: int


def plan_rungs(film: Film) -> tuple[RungPlan, ...]:
    """Return the qualities of a film, lowest first, at least one, none larger than the film."""
    own = min(film.width, film.height)
    sides = [side for side in RUNG_SIDES if side <= own]
    if not sides or (own < RUNG_SIDES[-1] and own >= sides[-1] * OWN_SIZE_FROM):
        sides.append(own)
    return tuple(_plan_rung(film, side, is_lowest=number == 0) for number, side in enumerate(sides))


def mp4_side(rungs: tuple[RungPlan, ...]) -> int:
    """Return the side of the rung that is also to be had as one file, in the end."""
    return max((rung.side for rung in rungs if rung.side <= MP4_SIDE), default=rungs[0].side)


def work_of(rung: RungPlan) -> int:
    """Return how much of all the work a rung is: its pixels, and a share that does not depend on them."""
    return rung.width * rung.height + _REFERENCE_PIXELS // 4


def _plan_rung(film: Film, side: int, *, is_lowest: bool) -> RungPlan:
    scale = Fraction(side, min(film.width, film.height))
    width, height = _even(film.width, scale), _even(film.height, scale)
    bits = _REFERENCE_BITS * (width * height / _REFERENCE_PIXELS) ** _PIXELS_EXPONENT
    bits *= _FAST_FACTOR if film.frame_rate > _FAST_FROM else 1
    return RungPlan(min(width, height), width, height, max(_LOWEST_BITS, ceil(bits)), 96_000 if is_lowest else 128_000)


def _even(pixels: int, scale: Fraction) -> int:
    """Return the nearest even number that enlarges nothing; a film of one pixel gets two."""
    return max(2, min(round(pixels * scale / 2), pixels // 2) * 2)
