"""Which videos are accepted, and their frame rate. Pure rules."""

from fractions import Fraction

MAX_SECONDS = 600
# 4K, as the best phones record it, also the wider DCI 4K, landscape or portrait.
MAX_PIXELS = 4096 * 2304
MAX_SIDE = 4096
# Ten minutes of slow motion at 240 frames per second. More is an attempt to waste our time.
MAX_FRAMES = MAX_SECONDS * 240
# A ten-minute film may be a little longer because of rounding or its sound.
GRACE_SECONDS = 1

# Above this a film is slow motion; no phone shows more.
MAX_FRAME_RATE = 60
# Frames that last longer are repeated, because each segment must begin with one.
MIN_FRAME_RATE = 10
# A stated rate within this range of the measured one is believed: phones drop frames in the dark.
_STATED_RANGE = (0.9, 1.6)
# If the fastest part of a film exceeds its average rate by this factor, the fast rate is shown, so that no frame is lost there.
_CHANGING_FACTOR = Fraction(5, 4)


def measured_frame_rate(average: Fraction, fast: Fraction) -> Fraction:
    """Return the rate to measure a film by: its average, or that of its fastest part if the rate changes."""
    return fast if fast > average * _CHANGING_FACTOR else average


def shown_frame_rate(measured: Fraction, stated: Fraction | None) -> Fraction:
    """Return the frame rate of all rungs of a film. Phones record at changing rates."""
    lowest, highest = (measured * Fraction(each) for each in _STATED_RANGE)
    rate = stated if stated and lowest <= stated <= highest else measured
    return max(Fraction(MIN_FRAME_RATE), min(_round_to_usual(rate), Fraction(MAX_FRAME_RATE)))


def _round_to_usual(rate: Fraction) -> Fraction:
    """Return the usual rate nearest to a measured one: 29.97 becomes 30000/1001."""
    usual = [Fraction(whole) for whole in (24, 25, 30, 48, 50, 60)] + [Fraction(1000 * n, 1001) for n in (24, 30, 60)]
    nearest = min(usual, key=lambda each: abs(each - rate))
    return nearest if abs(nearest - rate) < nearest / 500 else rate.limit_denominator(1001)
