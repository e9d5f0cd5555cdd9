"""Add the posts of former versions to the index of media, so that nobody has to search an author's posts for a medium."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from meshkit.ids import MAX_ID
from meshkit.tasks.periodic import every
from post_svc.model import IndexProgress, Place, PublishedPost
from post_svc.store import PostStore

AUTHORS, POSTS = 100, 100
# Processes of the version before do not write the index. This long after the first process of this version they are all gone.
UPDATE_MS = 60 * 60 * 1000
PAUSE_SECONDS = 60.0
_log = structlog.get_logger()


class IndexMedia:
    """Walks over all posts once, when no process of the version before can be left.

    Several workers may walk at once. A killed walk is resumed after the last page that was finished.
    """

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def run(self, stopping: asyncio.Event) -> None:
        """Wait for the time, walk, then wait for the end of the process."""
        async for _ in every(PAUSE_SECONDS, stopping):
            try:
                if await self.walk():
                    break
            except Exception as error:  # noqa: BLE001 - the boundary: the next try comes in a minute
                _log.warning("media_not_indexed", error=repr(error))
        await stopping.wait()

    async def walk(self, now_ms: int | None = None) -> bool:
        """Index what is left, if it is time. Returns whether the index is complete."""
        now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        progress = await self._store.index_progress()
        if progress is None:
            progress = IndexProgress(began_ms=now)
            await self._store.set_index_progress(progress)
        if progress.is_done or now < progress.began_ms + UPDATE_MS:
            return progress.is_done
        position = progress.position
        while authors := await self._store.authors_after(position, AUTHORS):
            for _, author_id in authors:
                await self._index(author_id)
            position = authors[-1][0]
            await self._store.set_index_progress(replace(progress, position=position))
        await self._store.set_index_progress(replace(progress, is_done=True))
        _log.info("media_indexed")
        return True

    async def _index(self, author_id: int) -> None:
        before = MAX_ID
        while posts := await self._page(author_id, before):
            await self._store.index_posts(posts)
            before = posts[-1].place

    async def _page(self, author_id: int, before: int) -> Sequence[PublishedPost]:
        """Return the next posts of an author, newest first; empty at the end."""
        while places := (await self._store.places_of([author_id], before, POSTS))[author_id]:
            found = await self._store.posts_at([Place(author_id, place) for place in places])
            if found:
                return sorted(found.values(), key=lambda post: post.place, reverse=True)
            before = places[-1]  # all of them were deleted meanwhile
        return []
