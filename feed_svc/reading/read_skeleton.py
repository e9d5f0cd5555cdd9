"""Reads a page's entries from the home timeline, the celebrities' timelines and, below these, the store."""

from collections.abc import Sequence

from feed_svc import page_sources
from feed_svc.celebrities.integration import IntegrateChanges
from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.model import END, HOME, LOWEST, Entry, HomeWindow, Run, Skeleton, run_of
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorPosts
from feed_svc.reading.celebrity_posts import CelebrityPosts
from feed_svc.reading.check_cuts import CheckCuts, Outcome
from feed_svc.reading.lazy_merge import newest, read_size
from feed_svc.reading.old_pages import STORED_PRICE, OldPages
from feed_svc.reading.read_unbuilt import ReadUnbuilt
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from feed_svc.store.port import Followees, Timelines

# A timeline that was leased meanwhile by another read is leased for this one, too.
_READ_AGAIN = (Outcome.REPAIRED, Outcome.CHANGED)


class ReadSkeleton:
    """Reads entries, with one round trip to Redis when everything is cached."""

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        rebuild: RebuildTimeline,
        integrate: IntegrateChanges,
        celebrity_posts: CelebrityPosts,
        author_posts: AuthorPosts,
        graph: Graph,
        followees: Followees,
        *,
        check_cuts: CheckCuts,
        read_unbuilt: ReadUnbuilt,
        old_pages: OldPages,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._rebuild = rebuild
        self._read_unbuilt = read_unbuilt
        self._check_cuts = check_cuts
        self._integrate = integrate
        self._celebrity_posts = celebrity_posts
        self._author_posts = author_posts
        self._graph = graph
        self._followees = followees
        self._old_pages = old_pages

    def is_rebuilding(self, viewer: int, seconds: float) -> bool:
        """Tell whether a rebuild of a viewer's timeline got on in the last seconds."""
        return self._rebuild.progress.advanced_within(viewer, seconds)

    async def close(self) -> None:
        """Give up running rebuilds."""
        await self._rebuild.close()

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the newest `limit` entries of a viewer's feed below an entry (None: from the top).

        Raises ResourceExhaustedError (RATE_LIMITED) if the viewer reads old pages too fast.
        """
        while (home := await self._home(viewer, below, limit + 1)) is None:
            if page := await self._read_unbuilt(viewer, below, limit):
                page_sources.UNBUILT.count += 1
                return page
            await self._rebuild(viewer)
        entries = home.entries
        if home.pulled or (len(entries) <= limit and home.floor != LOWEST):
            entries = await self._merged(viewer, home, below, limit + 1)
            page_sources.MERGED.count += 1
        else:
            page_sources.TIMELINE.count += 1
        is_leased = home.unleased is None
        return Skeleton(entries[:limit], len(entries) <= limit, not is_leased, is_leased)

    async def _home(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Return the timeline's window once it knows the current list of pulled authors, or None if it has to be built.

        It is still unleased if the graph could not be asked.
        The copy of the celebrities' log is checked after the read, so that its age counts from then, however long the read took.
        """
        while True:
            home = await self._timelines.read(viewer, below, limit)
            if home is not None and home.unleased is not None:
                outcome = await self._check_cuts(viewer, home.unleased)
                if outcome in _READ_AGAIN:
                    continue
                if outcome is not Outcome.UNKNOWN:
                    home = home._replace(unleased=None)
            await self._modes.refresh_if_stale()
            if home is not None and not self._modes.knows(home.position):
                await self._modes.refresh()  # the timeline may be newer than the copy
            if home is None or not self._modes.knows(home.position):
                return None
            if not (changes := self._modes.due_after(home.position.seq)):
                return home
            await self._integrate(viewer, home.position, changes)

    async def _merged(self, viewer: int, home: HomeWindow, below: Entry | None, wanted: int) -> list[Entry]:
        own = run_of(HOME, home, below, wanted)
        last = own.entries[-1] if len(own.entries) == wanted else END
        runs = await self._celebrity_posts.runs(home.pulled, below, wanted, last)

        def on_stored(authors: int) -> None:
            self._old_pages.add(viewer, (STORED_PRICE - 1) * authors)

        async def deepen(undecided: Sequence[Run], times: int) -> list[Run]:
            bounds: dict[int, bytes | None] = {run.author_id: run.bound for run in undecided}
            if below_home := bounds.pop(HOME, None):
                # Below the floor all followees are read, except the pulled ones, which have runs of their own.
                followees = await self._all_followees(viewer)
                bounds |= dict.fromkeys(set(followees).difference(home.pulled), below_home)
                self._old_pages.begin(viewer, len(bounds))
            else:
                self._old_pages.add(viewer, len(bounds))
            more = await self._author_posts(bounds, read_size(wanted, len(bounds), times), on_stored)
            return [*(run.without_rest() for run in undecided), *more]

        return await newest([own, *runs], wanted, deepen)

    async def _all_followees(self, viewer: int) -> Sequence[int]:
        """Return the followees, which are read once for a walk of pages."""
        kept = await self._followees.get(viewer)
        if kept is None:
            kept = await self._graph.followees(viewer)
            await self._followees.put(viewer, kept)
        return kept
