"""Page sizes of the public lists."""

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def clamp_limit(limit: int) -> int:
    """Return the page size for a caller's `limit`: 20 for 0, at most 100. The contract refuses negative limits."""
    return min(limit, MAX_LIMIT) if limit else DEFAULT_LIMIT
