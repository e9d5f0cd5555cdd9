"""Reads a page's entries from the store alone: all followees' posts from the authors' partitions."""

from feed_svc.model import Entry, Skeleton
from feed_svc.ports import Graph, Posts
from feed_svc.reading.lazy_merge import newest_of
from feed_svc.reading.stored_posts import StoredPosts


class ReadStored:
    """Exact, but slow for viewers who follow many accounts."""

    def __init__(self, graph: Graph, posts: Posts) -> None:
        self._graph = graph
        self._stored_posts = StoredPosts(posts)

    async def __call__(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the newest `limit` entries of a viewer's feed below an entry (None: from the top)."""
        followees = await self._graph.followees(viewer)
        entries = await newest_of(followees, below, limit + 1, self._stored_posts)
        return Skeleton(entries[:limit], is_end=len(entries) <= limit)
