"""What a serving process knows of the celebrities' log: a copy in memory, brought up to date when it is too old."""

import asyncio
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from feed_svc.model import LogNews, LogPosition, ModeChange
from feed_svc.store.port import Celebrities

# More changes than this are not kept in memory: a timeline that knows none of them is built anew.
MAX_CHANGES = 200_000


class CelebrityModes:
    """The copy. It is behind the log by a quarter of the grace at the most when `renew_if_old` returns.

    A promoted author's posts go on being pushed for the grace. Who has learned, within half of it and this quarter, that the
    author is pulled now has therefore missed none.
    """

    def __init__(self, log: Celebrities, grace_ms: int) -> None:
        self._log = log
        self._max_age = grace_ms / 4_000
        self._due_ms = grace_ms / 2
        self._loading = asyncio.Lock()
        # On the loop's kind of clock; and what the log's clock showed then, or a moment later.
        self._loaded_at = float("-inf")
        self._log_ms = 0
        self._life = b""
        self._seq = 0
        self._pulled: set[int] = set()
        self._changes: list[ModeChange] = []

    @property
    def position(self) -> LogPosition:
        """Up to where the log is known."""
        return LogPosition(self._life, self._seq)

    @property
    def pulled(self) -> AbstractSet[int]:
        """Who is pulled."""
        return self._pulled

    @property
    def lowest_seq(self) -> int:
        """The lowest position from which the changes since are known."""
        return self._changes[0].seq - 1 if self._changes else self._seq

    def knows(self, position: LogPosition) -> bool:
        """Tell whether a position is one in this log, and the changes since are known."""
        return position.life == self._life and position.seq >= self.lowest_seq

    def due_after(self, seq: int) -> Sequence[ModeChange]:
        """Return the changes after a known one, if it is time to heed them; none while all are young.

        Heeding a change costs a call to the graph and a write, so that many are heeded together.
        """
        if seq >= self._seq:
            return ()
        # Numbers have no gaps.
        oldest = seq - self.lowest_seq
        age_ms = self._log_ms + (time.monotonic() - self._loaded_at) * 1_000 - self._changes[oldest].since_ms
        return self._changes[oldest:] if age_ms >= self._due_ms else ()

    def changed_after(self, seq: int) -> set[int]:
        """Return whose mode has changed after a known position, be it time to heed that or not."""
        return {change.author_id for change in self._changes[max(0, seq - self.lowest_seq) :]}

    async def renew_if_old(self) -> None:
        """Return when the copy is not too old; called after a read of a timeline, it is fresh enough for that read."""
        await self._load_if_before(time.monotonic() - self._max_age)

    async def renew(self) -> None:
        """Return when the copy is as new as this call."""
        await self._load_if_before(time.monotonic())

    async def _load_if_before(self, moment: float) -> None:
        if self._loaded_at >= moment:
            return
        async with self._loading:
            if self._loaded_at < moment:  # nobody did it while this call waited
                asked_at = time.monotonic()
                self._learn(await self._log.news(self._life, self._seq))
                self._loaded_at = asked_at

    def _learn(self, news: LogNews) -> None:
        if news.pulled is not None:
            self._pulled, self._changes = set(news.pulled), []
        for change in news.changes:
            (self._pulled.add if change.is_pulled else self._pulled.discard)(change.author_id)
        self._changes.extend(news.changes)
        del self._changes[:-MAX_CHANGES]
        self._seq = self._changes[-1].seq if self._changes else 0
        self._life, self._log_ms = news.life, news.now_ms
