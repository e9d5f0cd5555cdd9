"""Which media an author's posts show: what no post shows any more can go."""

from collections.abc import Sequence

from meshkit.ids import MAX_ID
from post_svc.store import PostStore

# Some 3 KB each: a page is a megabyte or two.
PAGE = 500


class FilterUsedMedia:
    """Looks through all of an author's posts, which takes a while where there are thousands: only deletions ask."""

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def __call__(self, author_id: int, media_ids: Sequence[str]) -> list[str]:
        """Return those of `media_ids` that a post shows or waits for, in their order."""
        used = {each for each in media_ids if await self._store.waiting_for(each)}
        before = MAX_ID
        while unknown := [each for each in media_ids if each not in used]:
            posts = await self._store.list_posts(author_id, before, PAGE)
            # A manifest is opaque here, but ids stand in it as they are. An id that is only quoted somewhere is kept, too.
            used.update(each for each in unknown if any(each.encode() in post.manifest for post in posts))
            if len(posts) < PAGE:
                break
            before = posts[-1].place
        return [each for each in media_ids if each in used]
