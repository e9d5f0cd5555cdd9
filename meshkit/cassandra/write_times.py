"""Write times. Cassandra keeps the cell with the latest write time, not the one that arrived last."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from cassandra.timestamps import MonotonicTimestampGenerator

_written_at: ContextVar[int | None] = ContextVar("cassandra_written_at", default=None)


class WriteTimes:
    """Gives each statement the current time in microseconds, unless `written_at` sets one."""

    def __init__(self) -> None:
        self._clock = MonotonicTimestampGenerator()

    def __call__(self) -> int:
        """Return the write time of the statement being sent."""
        return _written_at.get() or self._clock()


@contextlib.contextmanager
def written_at(time: int) -> Iterator[None]:
    """Give all statements in the block one write time, so that a repeated write is not newer than the first."""
    token = _written_at.set(time)
    try:
        yield
    finally:
        _written_at.reset(token)
