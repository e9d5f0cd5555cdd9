"""How long the caches of a CDN keep a medium's files: the longer, the more it is looked at.

A rarely shown file only wastes a cache's room; one that everybody looks at would be asked of the origin by each of a CDN's
caches over and over. Browsers keep every file for a year: its name follows from its content.
"""

from enum import IntEnum

_BROWSERS = "public, max-age=31536000, immutable"


class CacheClass(IntEnum):
    """How popular a medium is. The order is that of popularity."""

    COLD = 0
    WARM = 1
    HOT = 2


# What a CDN keeps, in seconds: minutes, hours, days. Whoever has a CDN purges it when a medium is removed.
SHARED_SECONDS = {CacheClass.COLD: 5 * 60, CacheClass.WARM: 4 * 3600, CacheClass.HOT: 3 * 86_400}
# Views within the last hours (each counts half after an hour) from which a medium is in a class, and below which it leaves it
# again. Far apart, so that a medium on the border is not rewritten every few minutes.
ENTER_VIEWS = {CacheClass.WARM: 1_000.0, CacheClass.HOT: 100_000.0}
LEAVE_VIEWS = {CacheClass.WARM: 250.0, CacheClass.HOT: 25_000.0}


def cache_control(cache_class: CacheClass) -> str:
    """Return the Cache-Control of a file whose name follows from its content."""
    return f"{_BROWSERS}, s-maxage={SHARED_SECONDS[cache_class]}"


def next_class(current: CacheClass, views: float) -> CacheClass:
    """Return the class of a medium with so many views that was in another: up by the higher bounds, down by the lower ones."""
    reached = max((each for each, bound in ENTER_VIEWS.items() if views >= bound), default=CacheClass.COLD)
    kept = max((each for each, bound in LEAVE_VIEWS.items() if views >= bound), default=CacheClass.COLD)
    return max(reached, min(current, kept))
