"""FilterUsedMedia: which media an author's posts still show. The others can be erased."""

from collections.abc import AsyncIterator, Sequence

from meshkit.ids import MAX_ID
from post_svc.model import Place, PublishedPost
from post_svc.store import PostStore

# Nearly always the first post of the index is there. Few are asked for at once.
USES = 10
# While older posts are not in the index yet. A row takes about 3 KB, so a page is a fraction of a megabyte.
PAGE = 100


class FilterUsedMedia:
    """Looks media up in the index of posts. Until that is complete it searches all posts of the author, too."""

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def __call__(self, author_id: int, media_ids: Sequence[str]) -> list[str]:
        """Return which of `media_ids` a post shows or waits for, in order."""
        used = {each for each in media_ids if await self._is_used(author_id, each)}
        unknown = [each for each in media_ids if each not in used]
        progress = await self._store.index_progress() if unknown else None
        if unknown and (progress is None or not progress.is_done):
            used |= await self._search(author_id, unknown)
        return [each for each in media_ids if each in used]

    async def _is_used(self, author_id: int, media_id: str) -> bool:
        if await self._store.waiting_for(media_id):
            return True
        before = MAX_ID
        while places := await self._store.places_showing(author_id, media_id, before, USES):
            if await self._store.posts_at(places):
                return True
            before = places[-1].place
        return False

    async def _search(self, author_id: int, media_ids: Sequence[str]) -> set[str]:
        used: set[str] = set()
        async for post in self._posts(author_id):
            # Manifests are opaque here but contain ids as plain text. An id that a text merely quotes counts as used.
            used.update(each for each in media_ids if each.encode() in post.manifest)
            if len(used) == len(media_ids):
                break
        return used

    async def _posts(self, author_id: int) -> AsyncIterator[PublishedPost]:
        before = MAX_ID
        while places := (await self._store.places_of([author_id], before, PAGE))[author_id]:
            for post in (await self._store.posts_at([Place(author_id, place) for place in places])).values():
                yield post
            before = places[-1]
