"""What videos are taken, and the frame rate they are shown at. Pure rules."""

from fractions import Fraction

MAX_SECONDS = 600
# What the best phones film: 4K, also the cinema's, lying or standing.
MAX_PIXELS = 4096 * 2304
MAX_SIDE = 4096
# Ten minutes of slow motion at 240 frames a second. More is an attempt to keep us busy.
MAX_FRAMES = MAX_SECONDS * 240
# A container may say ten minutes and a little more, by how it rounds or by its sound.
GRACE_SECONDS = 1

# No phone shows more; from here on a film is slow motion, or meant for one.
MAX_FRAME_RATE = 60
# Pictures that stand for minutes are shown again and again: a segment must begin with one.
MIN_FRAME_RATE = 10
# How much faster than it was measured a film may say it is: phones drop frames in the dark.
_STATED_RANGE = (0.9, 1.6)


def shown_frame_rate(measured: Fraction, stated: Fraction | None) -> Fraction:
    """Return the rate at which a film is shown, the same in all of its rungs. Phones film at rates that change."""
    lowest, highest = (measured * Fraction(each) for each in _STATED_RANGE)
    rate = stated if stated and lowest <= stated <= highest else measured
    return max(Fraction(MIN_FRAME_RATE), min(_tidy(rate), Fraction(MAX_FRAME_RATE)))


def _tidy(rate: Fraction) -> Fraction:
    """Return the usual rate that a measured one stands for: 29.97 is 30000/1001."""
    usual = [Fraction(whole) for whole in (24, 25, 30, 48, 50, 60)] + [Fraction(1000 * n, 1001) for n in (24, 30, 60)]
    nearest = min(usual, key=lambda each: abs(each - rate))
    return nearest if abs(nearest - rate) < nearest / 500 else rate.limit_denominator(1001)
