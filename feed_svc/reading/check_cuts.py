"""Compares a home timeline with the graph from time to time, whatever events were lost.

A timeline knows up to which *cut* it is right: the last unfollow, removal or mute of its viewer before its followees were read.
While it has a lease, it is shown without a question. Otherwise the viewer's last cut is read from the graph:

- If it is the same, nobody was cut since. The lease is renewed.
- If not, authors who are not followed any more are taken out, then the lease is renewed. A worker that read the graph before the
  cut may still add such an author. So the timeline only takes over a cut that was first seen SETTLE_SECONDS ago; until then, each
  look takes authors out again. The end of a build counts as the first time, because pushes reach a timeline while it is built.

The lease counts from before the question. So a page shows nobody who was cut more than LEASE_SECONDS and one read's time ago. All
times are those of the store's clock, which all processes share.
"""

import time
from collections.abc import Callable
from enum import Enum

import structlog

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import Cuts, Unleased, author_of
from feed_svc.ports import Graph, IsOutage
from feed_svc.store.port import Timelines
from meshkit.tasks.to_the_end import ToTheEnd
from meshkit.telemetry.catalog import LEASES
from meshkit.time_limits import TimeLimits

# With the 10 s that a read may take, below the two minutes by which a feed may lag.
LEASE_SECONDS = 105
# Handlers end after 10 s. The clocks of a Redis server and of the replica that takes over differ by 60 s at most.
SETTLE_SECONDS = 90
# Stop waiting for the graph after this long, and do not ask again for as long: reads must not wait for a part that hangs.
LOOK_SECONDS = 1.0
_leases = LEASES.create()
_log = structlog.get_logger()


class Outcome(Enum):
    """What a look at the graph found."""

    SAME = "same"
    """Nobody was cut since the last look."""
    CUT = "cut"
    """Somebody was cut, and the timeline had none of their posts any more."""
    REPAIRED = "repaired"
    """The timeline still had posts of somebody who was cut. It must be read again."""
    CHANGED = "changed"
    """The timeline changed meanwhile. It must be read again."""
    UNKNOWN = "unknown"
    """The graph did not answer. Private posts must not be shown then; others are shown on a page that is marked as degraded."""


class CheckCuts:
    """Renews the leases of timelines."""

    def __init__(
        self,
        timelines: Timelines,
        graph: Graph,
        apply_follow: ApplyFollow,
        is_outage: IsOutage,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timelines = timelines
        self._graph = graph
        self._apply_follow = apply_follow
        self._is_outage = is_outage
        self._clock = clock
        self._limits = TimeLimits()
        self._to_the_end = ToTheEnd()
        self._away_until = float("-inf")

    async def __call__(self, viewer: int, found: Unleased) -> Outcome:
        """Compare a timeline that has no lease with the graph."""
        outcome = await self._look_or_give_up(viewer, found)
        _leases.add(1, {"outcome": outcome.value})
        return outcome

    async def _look_or_give_up(self, viewer: int, found: Unleased) -> Outcome:
        if self._clock() < self._away_until:
            return Outcome.UNKNOWN
        try:
            with self._limits.within(LOOK_SECONDS):
                return await self._look(viewer, found)
        except Exception as error:
            if not self._is_outage(error):
                raise
            _log.info("cuts_not_checked", error=repr(error))
            # Not for a call whose own deadline is over: its caller must not keep others from looking.
            if isinstance(error, TimeoutError):
                self._away_until = self._clock() + LOOK_SECONDS
            return Outcome.UNKNOWN

    async def _look(self, viewer: int, found: Unleased) -> Outcome:
        last = await self._graph.last_cut(viewer)
        is_same = last == found.cuts.known
        is_repaired = not is_same and await self._take_out(viewer)
        until_ms = found.now_ms + LEASE_SECONDS * 1_000
        if not await self._timelines.renew_lease(viewer, found.cuts, after_look(found, last), until_ms):
            return Outcome.CHANGED
        if is_same:
            return Outcome.SAME
        return Outcome.REPAIRED if is_repaired else Outcome.CUT

    async def _take_out(self, viewer: int) -> bool:
        """Take out all authors who are not followed any more. Returns whether there were any."""
        home = await self._timelines.whole(viewer)
        authors = {author_of(entry) for entry in home.entries}.union(home.pulled) if home else set()
        gone = authors - await self._graph.followed_among(viewer, sorted(authors)) if authors else set()
        if gone:
            await self._to_the_end(lambda: self._remove(viewer, sorted(gone)))
        return bool(gone)

    async def _remove(self, viewer: int, authors: list[int]) -> None:
        await self._apply_follow.remove(viewer, authors)
        # Those who were followed again meanwhile must not be missing.
        for author_id in await self._graph.followed_among(viewer, authors):
            await self._apply_follow(viewer, author_id)


def after_look(found: Unleased, last: int) -> Cuts:
    """Return a timeline's cuts after a look that found the last cut and took out whom it cut."""
    cuts = found.cuts
    if last == cuts.known:
        return Cuts(last)
    if last != cuts.seen:
        return Cuts(cuts.known, last, found.now_ms)
    return Cuts(last) if found.now_ms - cuts.seen_ms >= SETTLE_SECONDS * 1_000 else cuts
