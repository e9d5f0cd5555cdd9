"""How long CDN caches keep a medium's files: the more popular, the longer.

A rarely viewed file would only waste cache space; a popular one would be fetched again and again by each of a CDN's
caches. Browsers keep every file for a year, because its name depends on its content.
"""

from enum import IntEnum

_BROWSERS = "public, max-age=31536000, immutable"


class CacheClass(IntEnum):
    """How popular a medium is, in ascending order."""

    COLD = 0
    WARM = 1
    HOT = 2


# How long a CDN keeps files, in seconds: minutes, hours, days. Removing a medium purges them.
SHARED_SECONDS = {CacheClass.COLD: 5 * 60, CacheClass.WARM: 4 * 3600, CacheClass.HOT: 3 * 86_400}
# A medium enters a class at the first number of views and leaves it below the second; a view counts half after an hour. The
# bounds are far apart, so that a medium near one is not rewritten every few minutes.
ENTER_VIEWS = {CacheClass.WARM: 1_000.0, CacheClass.HOT: 100_000.0}
LEAVE_VIEWS = {CacheClass.WARM: 250.0, CacheClass.HOT: 25_000.0}


def cache_control(cache_class: CacheClass) -> str:
    """Return the Cache-Control header of a file whose name depends on its content."""
    return f"{_BROWSERS}, s-maxage={SHARED_SECONDS[cache_class]}"


def next_class(current: CacheClass, views: float) -> CacheClass:
    """Return the new class of a medium: up by the bounds to enter, down by the bounds to leave."""
    reached = max((each for each, bound in ENTER_VIEWS.items() if views >= bound), default=CacheClass.COLD)
    kept = max((each for each, bound in LEAVE_VIEWS.items() if views >= bound), default=CacheClass.COLD)
    return max(reached, min(current, kept))
