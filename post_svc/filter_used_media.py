"""FilterUsedMedia: which media an author's posts still show. The others can be erased."""

from collections.abc import Sequence

from meshkit.ids import MAX_ID
from post_svc.store import PostStore

# A row takes about 3 KB, so a page is one or two megabytes.
PAGE = 500


class FilterUsedMedia:
    """Reads all posts of an author, which is slow if there are thousands. Only deletions call it."""

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def __call__(self, author_id: int, media_ids: Sequence[str]) -> list[str]:
        """Return which of `media_ids` a post shows or waits for, in order."""
        used = {each for each in media_ids if await self._store.waiting_for(each)}
        before = MAX_ID
        while unknown := [each for each in media_ids if each not in used]:
            posts = await self._store.list_posts(author_id, before, PAGE)
            # Manifests are opaque here but contain ids as plain text. An id that a text merely quotes counts as used.
            used.update(each for each in unknown if any(each.encode() in post.manifest for post in posts))
            if len(posts) < PAGE:
                break
            before = posts[-1].place
        return [each for each in media_ids if each in used]
