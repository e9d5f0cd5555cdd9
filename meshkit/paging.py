"""Page sizes of the public lists."""

from collections.abc import Iterable

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# The edge translates so much into JSON in 10 ms. It is a hundred posts of one photo each, or six of ten photos with long texts.
PAGE_BYTES = 256 * 1024


def clamp_limit(limit: int) -> int:
    """Return the page size for a caller's `limit`: 20 for 0, at most 100. The contract refuses negative limits."""
    return min(limit, MAX_LIMIT) if limit else DEFAULT_LIMIT


def fitting(sizes: Iterable[int]) -> int:
    """Return how many of a page's first items fit into it, by their sizes in bytes. One always does."""
    total = count = 0
    for size in sizes:
        total += size
        if count and total > PAGE_BYTES:
            break
        count += 1
    return count
