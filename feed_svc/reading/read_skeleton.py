"""Which entries a page has: the home timeline, the celebrities' own ones, and where those end, what the store goes on with."""

from collections.abc import Sequence

from feed_svc.celebrities.integration import IntegrateChanges
from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.model import END, HOME, LOWEST, Entry, HomeWindow, Run, Skeleton, run_of
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorRuns
from feed_svc.reading.celebrity_posts import PulledWindows
from feed_svc.reading.lazy_merge import newest, share
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from feed_svc.store.port import Timelines


class ReadSkeleton:
    """Reads entries. Warm, that is one round trip to Redis."""

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        rebuild: RebuildTimeline,
        integrate: IntegrateChanges,
        windows: PulledWindows,
        runs: AuthorRuns,
        graph: Graph,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._rebuild = rebuild
        self._integrate = integrate
        self._windows = windows
        self._runs = runs
        self._graph = graph

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the newest `limit` entries of a viewer's feed below an entry (None: from the top)."""
        home = await self._home(viewer, below, limit + 1)
        entries = home.entries
        if home.pulled or (len(entries) <= limit and home.floor != LOWEST):
            entries = await self._merged(viewer, home, below, limit + 1)
        return Skeleton(entries[:limit], is_end=len(entries) <= limit)

    async def _home(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow:
        """Return the timeline's window, when the timeline is live and has heeded who is pulled by now.

        The copy of the celebrities' log is looked at after the read: only then its age counts, however long the read took.
        """
        while True:
            home = await self._timelines.read(viewer, below, limit)
            await self._modes.renew_if_old()
            if home is not None and not self._modes.knows(home.position):
                await self._modes.renew()  # the timeline may be ahead of the copy
            if home is None or not self._modes.knows(home.position):
                await self._rebuild(viewer)
            elif changes := self._modes.due_after(home.position.seq):
                await self._integrate(viewer, home.position, changes)
            else:
                return home

    async def _merged(self, viewer: int, home: HomeWindow, below: Entry | None, wanted: int) -> list[Entry]:
        own = run_of(HOME, home, below, wanted)
        last = own.entries[-1] if len(own.entries) == wanted else END
        runs = await self._windows.runs(home.pulled, below, wanted, last)

        async def deepen(undecided: Sequence[Run], times: int) -> list[Run]:
            bounds: dict[int, bytes | None] = {run.author_id: run.bound for run in undecided}
            if below_home := bounds.pop(HOME, None):
                # Below the floor all followees are read, but for those whose posts come from their own timelines anyway.
                followees = await self._graph.followees(viewer)
                bounds |= dict.fromkeys(set(followees).difference(home.pulled), below_home)
            more = await self._runs(bounds, share(wanted, len(bounds), times))
            return [*(run.without_rest() for run in undecided), *more]

        return await newest([own, *runs], wanted, deepen)
