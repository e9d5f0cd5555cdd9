"""Which rungs a video gets. Pure rules; which videos are accepted is in `media_svc.sandbox.film_limits`."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

# The shorter side in pixels, so that portrait and landscape films have the same rungs. Each is 1.5 to 2 times the one below.
RUNG_SIDES = (240, 480, 720, 1080)
# A film gets a rung of its own size if that is this much larger than the rung below. Otherwise 478 lines would become 240.
OWN_SIZE_FROM = 1.2
# The MP4 for players without HLS has at most this side, because such players cannot switch to a lower quality.
MP4_SIDE = 720
SEGMENT_SECONDS = 4

# Most bits per second for 720p at 30 frames per second. Larger pictures need fewer bits per pixel.
_REFERENCE_BITS = 2_800_000
_REFERENCE_PIXELS = 1280 * 720
_PIXELS_EXPONENT = 0.8
_FAST_FROM = 40
_FAST_FACTOR = 1.4
_LOWEST_BITS = 100_000


@dataclass(frozen=True, slots=True)
class Colours:
    """The colour space of a film's frames, in the code points of H.273; 2 is unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2


@dataclass(frozen=True, slots=True)
class Film:
    """The properties of an original. Pixels are as shown: upright and square.

    `video_stream` and `audio_stream` are stream indexes in the file; `audio_stream` is None without sound.
    """

    width: int
    height: int
    duration_ms: int
    frame_rate: Fraction
    video_stream: int
    audio_stream: int | None
    colours: Colours = Colours()
    is_interlaced: bool = False
    taken_at: str = ""
    taken_at_offset: str = ""
    content_type: str = "video/mp4"


@dataclass(frozen=True, slots=True)
class RungPlan:
    """One quality to make. Sides are even, because H.264 4:2:0 requires it."""

    side: int
    width: int
    height: int
    video_bits: int
    audio_bits: int


def plan_rungs(film: Film) -> tuple[RungPlan, ...]:
    """Return the rungs of a film, lowest first, at least one, none larger than the film."""
    own = min(film.width, film.height)
    sides = [side for side in RUNG_SIDES if side <= own]
    if not sides or (own < RUNG_SIDES[-1] and own >= sides[-1] * OWN_SIZE_FROM):
        sides.append(own)
    return tuple(_plan_rung(film, side, is_lowest=number == 0) for number, side in enumerate(sides))


def mp4_side(rungs: tuple[RungPlan, ...]) -> int:
    """Return the side of the rung that becomes the MP4 in the end."""
    return max((rung.side for rung in rungs if rung.side <= MP4_SIDE), default=rungs[0].side)


def work_of(rung: RungPlan) -> int:
    """Return the work of a rung: its pixels plus a constant share."""
    return rung.width * rung.height + _REFERENCE_PIXELS // 4


def _plan_rung(film: Film, side: int, *, is_lowest: bool) -> RungPlan:
    scale = Fraction(side, min(film.width, film.height))
    width, height = _even(film.width, scale), _even(film.height, scale)
    bits = _REFERENCE_BITS * (width * height / _REFERENCE_PIXELS) ** _PIXELS_EXPONENT
    bits *= _FAST_FACTOR if film.frame_rate > _FAST_FROM else 1
    return RungPlan(min(width, height), width, height, max(_LOWEST_BITS, ceil(bits)), 96_000 if is_lowest else 128_000)


def _even(pixels: int, scale: Fraction) -> int:
    """Return the nearest even number that does not enlarge; one pixel becomes two."""
    return max(2, min(round(pixels * scale / 2), pixels // 2) * 2)
