"""Tests of cache lifetimes."""

import re

import pytest

from media_svc.delivery.cache_classes import ENTER_VIEWS, LEAVE_VIEWS, CacheClass, cache_control, next_class

COLD, WARM, HOT = CacheClass


def test_browsers_keep_files_and_a_cdn_the_popular_ones() -> None:
    """Browsers cache every file for a year; a CDN for minutes, hours or days."""
    ages = []
    for each in CacheClass:
        browsers, age = cache_control(each).split(", s-maxage=")
        assert browsers == "public, max-age=31536000, immutable"
        assert re.fullmatch(r"[0-9]+", age)
        ages.append(int(age))
    minutes, hours, days = ages
    assert 60 < minutes < 3600 < hours < 86_400 < days


@pytest.mark.parametrize(
    ("current", "views", "following"),
    [
        (COLD, 0.0, COLD),
        (COLD, ENTER_VIEWS[WARM] - 1, COLD),
        (COLD, ENTER_VIEWS[WARM], WARM),
        (COLD, ENTER_VIEWS[HOT], HOT),
        (WARM, ENTER_VIEWS[HOT] - 1, WARM),
        (WARM, ENTER_VIEWS[HOT], HOT),
        (WARM, LEAVE_VIEWS[WARM], WARM),
        (WARM, LEAVE_VIEWS[WARM] - 1, COLD),
        (HOT, LEAVE_VIEWS[HOT], HOT),
        (HOT, LEAVE_VIEWS[HOT] - 1, WARM),
        (HOT, LEAVE_VIEWS[WARM], WARM),
        (HOT, 0.0, COLD),
    ],
)
def test_class_follows_views(current: CacheClass, views: float, following: CacheClass) -> None:
    """A medium rises at a class's upper bound and falls below its lower one."""
    assert next_class(current, views) is following


def test_views_around_a_bound() -> None:
    """Views that go up and down around one bound change the class once."""
    current, changes = COLD, 0
    for number in range(100):
        following = next_class(current, ENTER_VIEWS[WARM] * (1.2 if number % 2 == 0 else 0.8))
        changes += following is not current
        current = following
    assert (current, changes) == (WARM, 1)
