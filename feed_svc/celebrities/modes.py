"""An in-memory copy of the celebrities' log, refreshed when it is too old."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from opentelemetry.metrics import Meter, Observation

from feed_svc.model import LogPosition, LogUpdate, ModeChange
from feed_svc.store.port import Celebrities
from meshkit.telemetry.catalog import CELEBRITIES

# Older changes than these are dropped. A timeline that knows none of the kept ones is rebuilt.
MAX_CHANGES = 200_000


class CelebrityModes:
    """The copy. After `refresh_if_stale` it is behind the log by at most a quarter of the grace period.

    A promoted author's posts are still pushed during the grace period. A reader learns of the promotion within half of it plus
    this quarter, and so misses no post.
    """

    def __init__(self, log: Celebrities, grace_ms: int) -> None:
        self._log = log
        self._max_age = grace_ms / 4_000
        self._due_ms = grace_ms / 2
        self._loading = asyncio.Lock()
        # By time.monotonic(), and what the log's clock showed at that moment or just after.
        self._loaded_at = float("-inf")
        self._log_ms = 0
        self._life = b""
        self._seq = 0
        self._pulled: set[int] = set()
        self._changes: list[ModeChange] = []

    @property
    def position(self) -> LogPosition:
        """How far the log is known."""
        return LogPosition(self._life, self._seq)

    @property
    def pulled(self) -> AbstractSet[int]:
        """The authors that are pulled."""
        return self._pulled

    def show(self, meter: Meter) -> None:
        """Export how many authors are pulled."""

        def read() -> Iterable[Observation]:
            return [Observation(len(self._pulled))]

        CELEBRITIES.observe(read, meter)

    @property
    def lowest_seq(self) -> int:
        """The lowest position after which all changes are known."""
        return self._changes[0].seq - 1 if self._changes else self._seq

    def knows(self, position: LogPosition) -> bool:
        """Tell whether a position is in this log and all changes after it are known."""
        return position.life == self._life and position.seq >= self.lowest_seq

    def due_after(self, seq: int) -> Sequence[ModeChange]:
        """Return the changes after a known one if it is time to apply them; none while all are young.

        Applying changes costs a call to the graph and a write, so many are applied together.
        """
        if seq >= self._seq:
            return ()
        # Numbers have no gaps.
        oldest = seq - self.lowest_seq
        age_ms = self._log_ms + (time.monotonic() - self._loaded_at) * 1_000 - self._changes[oldest].since_ms
        return self._changes[oldest:] if age_ms >= self._due_ms else ()

    def changed_after(self, seq: int) -> set[int]:
        """Return the authors whose mode changed after a known position, whether due or not."""
        return {change.author_id for change in self._changes[max(0, seq - self.lowest_seq) :]}

    async def refresh_if_stale(self) -> None:
        """Refresh the copy if it is too old. Call this after reading a timeline."""
        await self._load_if_before(time.monotonic() - self._max_age)

    async def refresh(self) -> None:
        """Refresh the copy, unless another caller does so during this call."""
        await self._load_if_before(time.monotonic())

    async def _load_if_before(self, moment: float) -> None:
        if self._loaded_at >= moment:
            return
        async with self._loading:
            if self._loaded_at < moment:  # not refreshed while this call waited
                asked_at = time.monotonic()
                self._apply(await self._log.changes_since(self._life, self._seq))
                self._loaded_at = asked_at

    def _apply(self, update: LogUpdate) -> None:
        if update.pulled is not None:
            self._pulled, self._changes = set(update.pulled), []
        for change in update.changes:
            (self._pulled.add if change.is_pulled else self._pulled.discard)(change.author_id)
        self._changes.extend(update.changes)
        del self._changes[:-MAX_CHANGES]
        self._seq = self._changes[-1].seq if self._changes else 0
        self._life, self._log_ms = update.life, update.now_ms
