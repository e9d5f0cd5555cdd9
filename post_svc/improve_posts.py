"""Update an author's posts when one of their media gets better renditions."""

from collections.abc import AsyncIterator, Callable

from meshkit.ids import MAX_ID, PublicId, first_id, id_millis
from post_svc.model import Medium, Place, PublishedPost
from post_svc.store import PostStore

# A row takes about 3 KB, so a page is a fraction of a megabyte.
PAGE = 100
# How far the clocks of two services may differ.
CLOCKS_MS = 60_000


class ImprovePosts:
    """Updates the posts that show a medium, once per popular medium.

    Waiting posts need nothing: their media are read again when they are shown or published. A post that is being published
    right now may keep the old renditions, which stay available. `shows` tells whether a manifest contains a medium.
    """

    def __init__(self, store: PostStore, shows: Callable[[bytes, str], bool]) -> None:
        self._store = store
        self._shows = shows

    async def __call__(self, owner_id: int, medium: Medium) -> None:
        """Write a medium's new version into the posts that show it. Repeatable."""
        progress = await self._store.index_progress()
        is_indexed = progress is not None and progress.is_done
        posts = self._indexed(owner_id, medium) if is_indexed else self._since_upload(owner_id, medium)
        async for post in posts:
            if self._shows(post.manifest, medium.media_id):
                await self._store.improve_medium(Place(owner_id, post.place), medium)

    async def _indexed(self, owner_id: int, medium: Medium) -> AsyncIterator[PublishedPost]:
        before = MAX_ID
        while places := await self._store.places_showing(owner_id, medium.media_id, before, PAGE):
            for post in (await self._store.posts_at(places)).values():
                yield post
            before = places[-1].place

    async def _since_upload(self, owner_id: int, medium: Medium) -> AsyncIterator[PublishedPost]:
        """Yield the owner's posts back to the medium's upload, while older posts are not in the index yet."""
        oldest = first_id(id_millis(PublicId.parse(medium.media_id).local) - CLOCKS_MS)
        before = MAX_ID
        while posts := await self._store.list_posts(owner_id, before, PAGE):
            for post in posts:
                yield post
            before = posts[-1].place
            if before < oldest:
                return
