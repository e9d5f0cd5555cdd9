"""Compares live timelines with the store, one after another, and repairs those that differ.

This measures in production how far feeds are from the store, whatever bug causes it, and keeps errors from staying.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass

import structlog

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.model import LOWEST, TIMELINE_LENGTH, Entry, HomeWindow, author_of, place_of
from feed_svc.ports import Graph, IsOutage, Posts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.reading.stored_posts import StoredPosts
from feed_svc.store.port import Timelines, TimelineWalk
from meshkit.ids import id_millis
from meshkit.tasks.periodic import pause

# Newer posts may not have been fanned out yet.
SETTLE_SECONDS = 120.0
# Deletes and unfollows arrive well within a second. A difference that is still there after this long is an error.
RECHECK_SECONDS = 2.0
# The ratio covers this many of the most recently compared timelines.
WINDOW = 1_000
# The pause after an error.
PAUSE_SECONDS = 5.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Drift:
    """The entries of a timeline that were compared: how many, which are missing, and which are ghosts."""

    compared: int
    missing: Set[Entry] = frozenset()
    ghosts: Set[Entry] = frozenset()

    @property
    def diverging(self) -> int:
        """How many entries differ."""
        return len(self.missing) + len(self.ghosts)


class SampleDrift:
    """Compares one timeline every `interval` seconds. All workers share one walk through the live ones."""

    def __init__(
        self,
        timelines: Timelines,
        walk: TimelineWalk,
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
        self._walk = walk
        self._modes = modes
        self._graph = graph
        self._stored_posts = StoredPosts(posts)
        self._is_outage = is_outage
        self._interval = interval
        self._settle_ms = settle_seconds * 1_000
        self._recheck_seconds = recheck_seconds
        self._now = now
        self._recent: deque[Drift] = deque(maxlen=WINDOW)

    @property
    def divergence_ratio(self) -> float:
        """The share of diverging entries among those compared recently; 0 before the first."""
        compared = sum(drift.compared for drift in self._recent)
        return sum(drift.diverging for drift in self._recent) / compared if compared else 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Sample until the process stops. Never fails: errors are logged, because the worker has other work."""
        while not stopping.is_set():
            try:
                await pause(self._interval, stopping)
                viewer = None if stopping.is_set() else await self._walk.next_viewer()
                if viewer is not None:
                    await self._check(viewer, stopping)
            except Exception as error:  # noqa: BLE001 - see _check
                await self._pause_after(error, stopping)

    async def _check(self, viewer: int, stopping: asyncio.Event) -> None:
        """Compare a timeline. An error must not keep the others from being compared."""
        try:
            await self(viewer)
        except Exception as error:  # noqa: BLE001 - a background loop that raises would stop the worker
            await self._pause_after(error, stopping, viewer=viewer)

    async def _pause_after(self, error: Exception, stopping: asyncio.Event, **context: int) -> None:
        bug = None if self._is_outage(error) else error
        _log.warning("drift_not_sampled", error=repr(error), exc_info=bug, **context)
        await pause(PAUSE_SECONDS, stopping)

    async def __call__(self, viewer: int) -> Drift:
        """Compare a viewer's timeline with the store. If it differs it is dropped, and the next read rebuilds it."""
        drift = await self._compare(viewer)
        if drift.diverging:
            # A change that is still being applied is no drift. It will have arrived by then.
            await asyncio.sleep(self._recheck_seconds)
            again = await self._compare(viewer)
            drift = Drift(drift.compared, drift.missing & again.missing, drift.ghosts & again.ghosts)
        if drift.diverging:
            _log.warning("timeline_diverged", viewer=viewer, missing=len(drift.missing), ghosts=len(drift.ghosts))
            await self._timelines.drop(viewer)
        if drift.compared:
            self._recent.append(drift)
        return drift

    async def _compare(self, viewer: int) -> Drift:
        home = await self._timelines.whole(viewer)
        await self._modes.refresh_if_stale()
        if home is None or not self._modes.knows(home.position):
            return Drift(0)  # the next read rebuilds it
        # Their posts come from author timelines, or the next read applies the change of mode.
        others = self._modes.changed_after(home.position.seq).union(home.pulled)
        followees = [author for author in await self._graph.followees(viewer) if author not in others]
        wanted = max(TIMELINE_LENGTH, len(home.entries)) + 1
        stored = await newest_of(followees, None, wanted, self._stored_posts)
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
