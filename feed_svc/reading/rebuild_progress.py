"""How far the rebuilds of a process are, for readers that wait for them and as a metric."""

import time
from collections.abc import Iterable

from opentelemetry.metrics import Meter, Observation

from meshkit.telemetry.catalog import REBUILD_AUTHORS_LEFT


class RebuildProgress:
    """For each running rebuild, the authors that are left and when it last got on."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}
        self._advanced: dict[int, float] = {}

    def begin(self, viewer: int, authors: int) -> None:
        """Start counting."""
        self._left[viewer] = authors
        self._advanced[viewer] = time.monotonic()

    def advance(self, viewer: int, authors: int) -> None:
        """Record that some authors were read, or that another process is rebuilding the timeline."""
        self._left[viewer] = max(0, self._left.get(viewer, 0) - authors)
        self._advanced[viewer] = time.monotonic()

    def end(self, viewer: int) -> None:
        """Stop counting. A waiting reader still sees for a moment that the rebuild got on."""
        self._left.pop(viewer, None)
        now = time.monotonic()
        while self._advanced and (oldest := next(iter(self._advanced))) not in self._left:
            if now - self._advanced[oldest] < 1.0 and len(self._advanced) < 1_000:  # noqa: PLR2004 - few, and for a second
                break
            del self._advanced[oldest]

    def advanced_within(self, viewer: int, seconds: float) -> bool:
        """Tell whether a rebuild got on in the last seconds."""
        return time.monotonic() - self._advanced.get(viewer, float("-inf")) < seconds

    def show(self, meter: Meter) -> None:
        """Export how many authors all running rebuilds have left."""

        def read() -> Iterable[Observation]:
            return [Observation(sum(self._left.values()))]

        REBUILD_AUTHORS_LEFT.observe(read, meter)
