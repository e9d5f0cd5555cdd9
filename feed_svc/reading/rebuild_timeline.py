"""Rebuilds an absent home timeline by the read that misses it, completely, while posts go on being pushed."""

import asyncio
from collections.abc import Sequence

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import LOWEST, TIMELINE_LENGTH, Window
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorRuns
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.store.port import Partings, Timelines

# How often a reader looks whether another's build is done. A build takes some 10 ms for few followees.
POLL_SECONDS = 0.01


class RebuildTimeline:
    """Makes a timeline live.

    The order makes it exact: the timeline takes pushes before the authors' posts are read, so a post published meanwhile comes by
    one way or by both; who was unfollowed meanwhile is looked at once more at the end.
    """

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        graph: Graph,
        runs: AuthorRuns,
        partings: Partings,
        apply_follow: ApplyFollow,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._graph = graph
        self._runs = runs
        self._partings = partings
        self._apply_follow = apply_follow

    async def __call__(self, viewer: int) -> None:
        """Rebuild a timeline, or wait for the reader who does. Returns when it is worth reading again."""
        token = await self._timelines.begin_build(viewer, self._modes.position, self._modes.lowest_seq)
        if token:
            await self._build(viewer, token)
        else:
            await asyncio.sleep(POLL_SECONDS)

    async def _build(self, viewer: int, token: bytes) -> None:
        try:
            followees = await self._graph.followees(viewer)
            # Who has come to be pulled since the position was taken is heeded here or by a later read; who is no longer has its
            # posts read below, after the change.
            pulled = self._modes.pulled & set(followees)
            window = await self._window([author for author in followees if author not in pulled])
            await self._timelines.finish_build(viewer, token, window, sorted(pulled))
        except BaseException:
            await self._timelines.abandon_build(viewer, token)
            raise
        for author_id in await self._partings.authors_left_by(viewer):
            await self._apply_follow(viewer, author_id)

    async def _window(self, authors: Sequence[int]) -> Window:
        """Return the newest posts of authors, as many as a timeline holds."""
        wanted = TIMELINE_LENGTH + 1
        entries = await newest_of(authors, None, wanted, self._runs)
        return Window(entries, LOWEST) if len(entries) < wanted else Window(entries[:-1], entries[-1])
