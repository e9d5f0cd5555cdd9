"""Backfills a timeline on a follow or unmute, and removes an author from it on an unfollow or mute."""

from collections.abc import Sequence

from feed_svc.model import TIMELINE_LENGTH, merge
from feed_svc.ports import Graph, Posts
from feed_svc.store.port import Celebrities, Followees, RecentUnfollows, Timelines
from meshkit.crash_points import crash_point


class ApplyFollow:
    """Makes a viewer's timeline match the current graph for one author.

    An author who is muted is treated like one who is not followed. Events may come late, twice or in the wrong order, so they
    only say which pair to look at.
    """

    def __init__(
        self,
        graph: Graph,
        posts: Posts,
        timelines: Timelines,
        recent_unfollows: RecentUnfollows,
        celebrities: Celebrities,
        followees: Followees,
    ) -> None:
        self._graph = graph
        self._posts = posts
        self._timelines = timelines
        self._recent_unfollows = recent_unfollows
        self._celebrities = celebrities
        self._followees = followees

    async def __call__(self, viewer: int, author_id: int) -> None:
        """Add an author's posts (or a celebrity to the pulled authors), or remove both. Repeatable."""
        await self._followees.forget(viewer)
        is_following = await self._graph.is_following(viewer, author_id)
        while True:
            await (self._add(viewer, author_id) if is_following else self.remove(viewer, [author_id]))
            is_still = await self._graph.is_following(viewer, author_id)
            if is_still == is_following:
                return
            is_following = is_still  # it changed meanwhile, and that event's handler may have run before us

    async def _add(self, viewer: int, author_id: int) -> None:
        await self._recent_unfollows.forget(viewer, author_id)
        # Ask the log itself, not a copy: a timeline that knows the whole log would not look at this author again.
        if await self._celebrities.pulled_for_ms(author_id) is not None:
            await self._timelines.pull(viewer, author_id)
            return
        posts = await self._posts.newest([author_id], None, TIMELINE_LENGTH)
        await self._timelines.backfill(viewer, merge(posts, TIMELINE_LENGTH))

    async def remove(self, viewer: int, author_ids: Sequence[int]) -> None:
        """Remove authors who are not followed any more. Repeatable."""
        # Remember first, then remove: a running fan-out or rebuild checks the recent unfollows when it is done.
        for author_id in author_ids:
            await self._recent_unfollows.add(viewer, author_id)
        crash_point("unfollow.noted")
        await self._timelines.remove_authors(viewer, author_ids)
