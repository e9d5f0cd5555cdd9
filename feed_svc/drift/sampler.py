"""The drift sampler: compares live timelines with the store, one after the other, and mends those that differ.

No design is free of a mistake nobody has thought of. This tells how far feeds are from the truth in production, and keeps what it
finds from staying.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Set
from dataclasses import dataclass

import structlog

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.model import LOWEST, TIMELINE_LENGTH, Entry, HomeWindow, author_of, place_of
from feed_svc.ports import Graph, IsOutage, Posts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.reading.stored_posts import StoredRuns
from feed_svc.store.port import Timelines
from meshkit.ids import id_millis

# What is younger may still be on its way.
SETTLE_SECONDS = 120.0
# Deletes and unfollows take well below a second; what differs twice in so long is wrong.
RECHECK_SECONDS = 2.0
# The ratio is that of so many timelines lately looked at.
WINDOW = 1_000
# After an outage, or a mistake.
PAUSE_SECONDS = 5.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drift:
    """How many entries of a timeline were compared, which it lacks, and which it has and should not."""

    compared: int
    missing: Set[Entry] = frozenset()
    ghosts: Set[Entry] = frozenset()

    @property
    def diverging(self) -> int:
        """How many entries differ."""
        return len(self.missing) + len(self.ghosts)


class SampleDrift:
    """Looks at a timeline each `interval` seconds, on and on through all that are live."""

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        graph: Graph,
        posts: Posts,
        is_outage: IsOutage,
        *,
        interval: float = 1.0,
        settle_seconds: float = SETTLE_SECONDS,
        recheck_seconds: float = RECHECK_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._graph = graph
        self._runs = StoredRuns(posts)
        self._is_outage = is_outage
        self._interval = interval
        self._settle_ms = settle_seconds * 1_000
        self._recheck_seconds = recheck_seconds
        self._now = now
        self._lately: deque[Drift] = deque(maxlen=WINDOW)

    @property
    def divergence_ratio(self) -> float:
        """The share of diverging entries among those compared lately; 0 before the first."""
        compared = sum(drift.compared for drift in self._lately)
        return sum(drift.diverging for drift in self._lately) / compared if compared else 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Sample until the process stops. Never fails: what goes wrong is logged, and a worker is there for more than this."""
        while not stopping.is_set():
            try:
                async for viewer in self._paced(stopping):
                    await self._look(viewer, stopping)
            except Exception as error:  # noqa: BLE001 - the boundary, as below
                await self._rest(error, stopping)

    async def _look(self, viewer: int, stopping: asyncio.Event) -> None:
        """Compare a timeline, and go on with the next one whatever comes of it: it would be in the way of the others."""
        try:
            await self(viewer)
        except Exception as error:  # noqa: BLE001 - the boundary: a loop that raises would end the worker
            await self._rest(error, stopping, viewer=viewer)

    async def _rest(self, error: Exception, stopping: asyncio.Event, **of_what: int) -> None:
        surprise = None if self._is_outage(error) else error
        _log.warning("drift_not_sampled", error=repr(error), exc_info=surprise, **of_what)
        await _wait(stopping, PAUSE_SECONDS)

    async def __call__(self, viewer: int) -> Drift:
        """Compare a viewer's timeline with the store. One that differs is dropped, so that the next read builds it anew."""
        drift = await self._compare(viewer)
        if drift.diverging:
            # A change that is on its way is no drift, and has arrived by now.
            await asyncio.sleep(self._recheck_seconds)
            again = await self._compare(viewer)
            drift = Drift(drift.compared, drift.missing & again.missing, drift.ghosts & again.ghosts)
        if drift.diverging:
            _log.warning("timeline_diverged", viewer=viewer, missing=len(drift.missing), ghosts=len(drift.ghosts))
            await self._timelines.drop(viewer)
        if drift.compared:
            self._lately.append(drift)
        return drift

    async def _paced(self, stopping: asyncio.Event) -> AsyncIterator[int]:
        """Yield the viewers of all live timelines, each after a while."""
        await _wait(stopping, self._interval)
        async for viewer in self._timelines.viewers():
            if stopping.is_set():
                return
            yield viewer
            await _wait(stopping, self._interval)

    async def _compare(self, viewer: int) -> Drift:
        home = await self._timelines.whole(viewer)
        await self._modes.renew_if_old()
        if home is None or not self._modes.knows(home.position):
            return Drift(0)  # the next read builds it
        # Of those, something else has the posts: their own timelines, or the read that will heed the change.
        others = self._modes.changed_after(home.position.seq).union(home.pulled)
        followees = [author for author in await self._graph.followees(viewer) if author not in others]
        wanted = max(TIMELINE_LENGTH, len(home.entries)) + 1
        stored = await newest_of(followees, None, wanted, self._runs)
        lowest = max(home.floor, stored[-1] if len(stored) == wanted else LOWEST)
        return self._difference(home, stored, lowest, others)

    def _difference(self, home: HomeWindow, stored: list[Entry], lowest: Entry, others: Set[int]) -> Drift:
        newest_ms = self._now() * 1_000 - self._settle_ms
        truth = {entry for entry in stored if entry > lowest and id_millis(place_of(entry)) <= newest_ms}
        held = {
            entry
            for entry in home.entries
            if entry > lowest and id_millis(place_of(entry)) <= newest_ms and author_of(entry) not in others
        }
        return Drift(len(truth | held), truth - held, held - truth)


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
