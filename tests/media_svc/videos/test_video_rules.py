"""Tests of which rungs a film gets."""

from fractions import Fraction

import pytest

from media_svc.sandbox.film_limits import shown_frame_rate
from media_svc.videos.rules import Film, mp4_side, plan_rungs


def _film(width: int, height: int, rate: int = 30) -> Film:
    return Film(width, height, 10_000, Fraction(rate), 0, 1)


@pytest.mark.parametrize(
    ("film", "sizes"),
    [
        ((3840, 2160), [(426, 240), (854, 480), (1280, 720), (1920, 1080)]),
        ((1920, 1080), [(426, 240), (854, 480), (1280, 720), (1920, 1080)]),
        ((1080, 1920), [(240, 426), (480, 854), (720, 1280), (1080, 1920)]),
        ((1280, 720), [(426, 240), (854, 480), (1280, 720)]),
        ((848, 478), [(426, 240), (848, 478)]),
        ((800, 500), [(384, 240), (768, 480)]),
        ((321, 241), [(320, 240)]),
        ((161, 91), [(160, 90)]),
        ((1, 1), [(2, 2)]),
        ((4096, 100), [(4096, 100)]),
    ],
)
def test_rungs(film: tuple[int, int], sizes: list[tuple[int, int]]) -> None:
    """Rungs go up to the film's own size, with even sides; a film between two rungs keeps its own size."""
    plans = plan_rungs(_film(*film))
    assert [(plan.width, plan.height) for plan in plans] == sizes
    assert len({plan.side for plan in plans}) == len(plans)
    bits = [plan.video_bits for plan in plans]
    assert bits == sorted(bits)
    assert [plan.audio_bits for plan in plans] == [96_000] + [128_000] * (len(plans) - 1)


def test_fast_films_get_more_bits() -> None:
    """Films with 60 frames per second get more bits than those with 30."""
    slow, fast = plan_rungs(_film(1280, 720, 30)), plan_rungs(_film(1280, 720, 60))
    assert all(a.video_bits < b.video_bits for a, b in zip(slow, fast, strict=True))


@pytest.mark.parametrize(
    ("film", "side"), [((1920, 1080), 720), ((1280, 720), 720), ((848, 478), 478), ((160, 90), 90)]
)
def test_mp4_side(film: tuple[int, int], side: int) -> None:
    """The MP4 is of the largest rung up to 720."""
    assert mp4_side(plan_rungs(_film(*film))) == side


@pytest.mark.parametrize(
    ("measured", "stated", "shown"),
    [
        (Fraction(2997, 100), None, Fraction(30000, 1001)),
        (Fraction(2997, 100), Fraction(30), Fraction(30)),
        (Fraction(24), Fraction(30), Fraction(30)),
        (Fraction(30), Fraction(1000), Fraction(30)),
        (Fraction(240), Fraction(240), Fraction(60)),
        (Fraction(1, 600), None, Fraction(10)),
        (Fraction(37, 3), Fraction(0), Fraction(37, 3)),
    ],
)
def test_frame_rate(measured: Fraction, stated: Fraction | None, shown: Fraction) -> None:
    """The measured rate counts unless the film states one near it; slow motion and stills get usual rates."""
    assert shown_frame_rate(measured, stated) == shown
