"""What videos are taken, and in which qualities they come out. Pure rules."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

MAX_SECONDS = 600
# What the best phones film: 4K, also the cinema's, lying or standing.
MAX_PIXELS = 4096 * 2304
MAX_SIDE = 4096
# Ten minutes of slow motion at 240 frames a second. More is an attempt to keep us busy.
MAX_FRAMES = MAX_SECONDS * 240
# A container may say ten minutes and a little more, by how it rounds or by its sound.
GRACE_SECONDS = 1

# The shorter side in pixels, so that a standing film has the same rungs as a lying one. From one to the next it is some 1.5 to 2.
RUNG_SIDES = (240, 480, 720, 1080)
# A film between two rungs gets one of its own size, if that is so much more than the rung below: 478 lines would else end as 240.
OWN_SIZE_FROM = 1.2
# The file for who cannot play HLS is of at most this side: a whole film, and no player that could go down when the network does.
MP4_SIDE = 720
# No phone shows more; from here on a film is slow motion, or meant for one.
MAX_FRAME_RATE = 60
# Pictures that stand for minutes are shown again and again: a segment must begin with one.
MIN_FRAME_RATE = 10
# How much faster than it was measured a film may say it is: phones drop frames in the dark.
_STATED_RANGE = (0.9, 1.6)
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


def shown_frame_rate(measured: Fraction, stated: Fraction | None) -> Fraction:
    """Return the rate at which a film is shown, the same in all of its rungs. Phones film at rates that change."""
    lowest, highest = (measured * Fraction(each) for each in _STATED_RANGE)
    rate = stated if stated and lowest <= stated <= highest else measured
    return max(Fraction(MIN_FRAME_RATE), min(_tidy(rate), Fraction(MAX_FRAME_RATE)))


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


def _tidy(rate: Fraction) -> Fraction:
    """Return the usual rate that a measured one stands for: 29.97 is 30000/1001."""
    usual = [Fraction(whole) for whole in (24, 25, 30, 48, 50, 60)] + [Fraction(1000 * n, 1001) for n in (24, 30, 60)]
    nearest = min(usual, key=lambda each: abs(each - rate))
    return nearest if abs(nearest - rate) < nearest / 500 else rate.limit_denominator(1001)
