"""When a write was made: Cassandra keeps the latest of a cell by this, not by when it arrives."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from cassandra.timestamps import MonotonicTimestampGenerator

_written_at: ContextVar[int | None] = ContextVar("cassandra_written_at", default=None)


class WriteTimes:
    """Gives each statement the time at which it is sent, in microseconds, unless `written_at` says otherwise."""

    def __init__(self) -> None:
        self._clock = MonotonicTimestampGenerator()

    def __call__(self) -> int:
        """Return the write time of what is being sent."""
        return _written_at.get() or self._clock()


@contextlib.contextmanager
def written_at(time: int) -> Iterator[None]:
    """Give what is sent in here one write time: sent again, it is no newer than the first time."""
    token = _written_at.set(time)
    try:
        yield
    finally:
        _written_at.reset(token)
