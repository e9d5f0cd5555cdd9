"""Backfill on follow, removal on unfollow."""

from feed_svc.model import TIMELINE_LENGTH, merge
from feed_svc.ports import Graph, Posts
from feed_svc.store.port import Celebrities, Partings, Timelines


class ApplyFollow:
    """Makes a viewer's timeline agree with what the graph says of one author now.

    Events of one pair may come late, twice or in the wrong order, so they only say where to look.
    """

    def __init__(
        self, graph: Graph, posts: Posts, timelines: Timelines, partings: Partings, celebrities: Celebrities
    ) -> None:
        self._graph = graph
        self._posts = posts
        self._timelines = timelines
        self._partings = partings
        self._celebrities = celebrities

    async def __call__(self, viewer: int, author_id: int) -> None:
        """Add an author's posts to a viewer's timeline, or the author to those it pulls, or take both out. Repeatable."""
        is_following = await self._graph.is_following(viewer, author_id)
        while True:
            await (self._add if is_following else self._remove)(viewer, author_id)
            is_still = await self._graph.is_following(viewer, author_id)
            if is_still == is_following:
                return
            is_following = is_still  # it changed meanwhile, and that event's own handler may have been before us

    async def _add(self, viewer: int, author_id: int) -> None:
        await self._partings.forget(viewer, author_id)
        # The log itself is asked, not a copy: the timeline may know it up to its end, and would not look at this author again.
        if await self._celebrities.pulled_for_ms(author_id) is not None:
            await self._timelines.pull(viewer, author_id)
            return
        posts = await self._posts.newest([author_id], None, TIMELINE_LENGTH)
        await self._timelines.backfill(viewer, merge(posts, TIMELINE_LENGTH))

    async def _remove(self, viewer: int, author_id: int) -> None:
        # First remembered, then removed: a fan-out or rebuild that is under way looks there when it is done.
        await self._partings.add(viewer, author_id)
        await self._timelines.remove_author(viewer, author_id)
