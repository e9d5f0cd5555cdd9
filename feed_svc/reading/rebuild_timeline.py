"""Rebuilds a home timeline when a read finds it missing, while posts are still being pushed."""

import asyncio
from collections.abc import Sequence

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.model import LOWEST, TIMELINE_LENGTH, Window
from feed_svc.ports import Graph
from feed_svc.reading.author_posts import AuthorPosts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.store.port import RecentUnfollows, Timelines

# How often a waiting reader checks whether the rebuild is done. It takes about 10 ms for few followees.
POLL_SECONDS = 0.01


class RebuildTimeline:
    """Makes a timeline live.

    The order makes it exact: the timeline accepts pushes before the authors' posts are read, so a post published meanwhile is
    pushed, read, or both. Unfollows that happen meanwhile are applied again at the end.
    """

    def __init__(
        self,
        timelines: Timelines,
        modes: CelebrityModes,
        graph: Graph,
        author_posts: AuthorPosts,
        recent_unfollows: RecentUnfollows,
        apply_follow: ApplyFollow,
    ) -> None:
        self._timelines = timelines
        self._modes = modes
        self._graph = graph
        self._author_posts = author_posts
        self._recent_unfollows = recent_unfollows
        self._apply_follow = apply_follow

    async def __call__(self, viewer: int) -> None:
        """Rebuild a timeline, or wait briefly for the reader that does. Read the timeline again afterwards."""
        token = await self._timelines.begin_build(viewer, self._modes.position, self._modes.lowest_seq)
        if token:
            await self._build(viewer, token)
        else:
            await asyncio.sleep(POLL_SECONDS)

    async def _build(self, viewer: int, token: bytes) -> None:
        try:
            followees = await self._graph.followees(viewer)
            # An author promoted since the position was taken is applied here or by a later read. The posts of a demoted one are
            # read below, after the change.
            pulled = self._modes.pulled & set(followees)
            window = await self._window([author for author in followees if author not in pulled])
            await self._timelines.finish_build(viewer, token, window, sorted(pulled))
        except BaseException:
            await self._timelines.abandon_build(viewer, token)
            raise
        for author_id in await self._recent_unfollows.unfollowed_by(viewer):
            await self._apply_follow(viewer, author_id)

    async def _window(self, authors: Sequence[int]) -> Window:
        """Return the authors' newest posts, as many as a timeline holds."""
        wanted = TIMELINE_LENGTH + 1
        entries = await newest_of(authors, None, wanted, self._author_posts)
        return Window(entries, LOWEST) if len(entries) < wanted else Window(entries[:-1], entries[-1])
