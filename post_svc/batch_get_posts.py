"""BatchGetPosts: the posts at some places."""

from collections.abc import Sequence

from post_svc.model import Place, PublishedPost
from post_svc.store import PostStore


class BatchGetPosts:
    """Reads published posts for the other services."""

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def __call__(self, places: Sequence[Place]) -> Sequence[PublishedPost]:
        """Return the posts in the order of the request, without absent ones."""
        found = await self._store.posts_at(places)
        return [found[place] for place in places if place in found]
