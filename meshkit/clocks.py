"""Compares the clocks of this process, Redis and the store, so that one wrong clock does no harm."""

import time
from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from meshkit.telemetry.catalog import CLOCK_OFFSET

# Clocks that differ by more than this are wrong. The margins of the outbox allow for this much.
MAX_CLOCK_ERROR_MS = 60_000
# An offset is the median of the last measurements, so that one node of a cluster with a wrong clock does not decide.
MEASUREMENTS = 9
_offset = CLOCK_OFFSET.create()


class ClockError(Exception):
    """The clock of this process differs from all others."""


def local_ms() -> int:
    """Return this process's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class ClockOffset:
    """How far another clock is ahead of this process's clock; 0 until it is measured."""

    def __init__(self) -> None:
        self._measured: deque[float] = deque(maxlen=MEASUREMENTS)

    def add(self, their_ms: float, asked_ms: float, answered_ms: float) -> None:
        """Add a measurement: their time, which was asked and answered at two local times."""
        if answered_ms - asked_ms < MAX_CLOCK_ERROR_MS / 60:  # an answer that took longer says little
            self._measured.append(their_ms - (asked_ms + answered_ms) / 2)

    def now_ms(self) -> int:
        """Return the other clock's time."""
        return local_ms() + round(median(self._measured) if self._measured else 0)


class Times(NamedTuple):
    """One moment by several clocks."""

    earliest_ms: int
    latest_ms: int
    is_local_wrong: bool = False

    @property
    def agree(self) -> bool:
        """Whether all clocks are about the same."""
        return self.latest_ms - self.earliest_ms <= MAX_CLOCK_ERROR_MS


def compare(now_ms: int, others: Mapping[str, int]) -> Times:
    """Compare this process's time with that of other clocks, and record the differences."""
    for name, their_ms in others.items():
        _offset.set((their_ms - now_ms) / 1_000, {"clock": name})
    known = [now_ms, *others.values()]
    is_wrong = bool(others) and all(abs(each - now_ms) > MAX_CLOCK_ERROR_MS for each in others.values())
    return Times(min(known), max(known), is_wrong)
