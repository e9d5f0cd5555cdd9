"""Indexes of waiting posts, by medium and by minute. Only a post's life decides whether it still waits.

Rows carry the time of the post's id, and their tombstones the moment after. In whatever order these arrive, a post that has
stopped waiting leaves no rows.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from meshkit.cassandra import Cassandra, Step, sure_read, write
from meshkit.events.outbox import MINUTE_MS
from meshkit.ids import PublicId, id_millis
from post_svc.store.write_times import write_time

# The posts of a minute are split into shards to bound partitions. Each sweep reads all shards.
SHARDS = 16
PAGE = 200
_ADD_MEDIUM = write("INSERT INTO pending_by_media (media_id, author_id, post_id) VALUES (?, ?, ?) USING TIMESTAMP ?")
_ADD_MINUTE = write(
    "INSERT INTO pending_by_minute (minute, shard, author_id, post_id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
)
_END_MEDIUM = write(
    "DELETE FROM pending_by_media USING TIMESTAMP ? WHERE media_id = ? AND author_id = ? AND post_id = ?"
)
_END_MINUTE = write(
    "DELETE FROM pending_by_minute USING TIMESTAMP ? WHERE minute = ? AND shard = ? AND author_id = ? AND post_id = ?"
)
_OF_MEDIUM = sure_read(
    "SELECT post_id, author_id FROM pending_by_media WHERE media_id = ? AND (author_id, post_id) > (?, ?) LIMIT ?"
)
_OF_MINUTE = sure_read(
    "SELECT post_id, author_id FROM pending_by_minute"
    " WHERE minute = ? AND shard = ? AND (post_id, author_id) > (?, ?) LIMIT ?"
)


def begin_steps(post: PublicId, media_ids: Sequence[str]) -> list[Step]:
    """Return the steps that add a waiting post to the indexes."""
    time = write_time(post.local)
    media: list[Step] = [(_ADD_MEDIUM, (media_id, post.owner, post.local, time)) for media_id in media_ids]
    return [(_ADD_MINUTE, (*_bucket(post), post.owner, post.local, time)), *media]


def end_steps(post: PublicId, media_ids: Sequence[str]) -> list[Step]:
    """Return the steps that remove a post from the indexes for good; none if it never waited."""
    if not media_ids:
        return []
    time = write_time(post.local) + 1
    media: list[Step] = [(_END_MEDIUM, (time, media_id, post.owner, post.local)) for media_id in media_ids]
    return [(_END_MINUTE, (time, *_bucket(post), post.owner, post.local)), *media]


class WaitingIndex:
    """Reads the indexes of waiting posts."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def for_medium(self, media_id: str) -> Sequence[PublicId]:
        """Return the posts that wait for a medium."""
        found: list[PublicId] = []
        after = (-1, -1)
        while rows := await self._cassandra.execute(_OF_MEDIUM, media_id, *after, PAGE):
            found += [PublicId(*row) for row in rows]
            if len(rows) < PAGE:
                break
            after = (found[-1].owner, found[-1].local)
        return found

    async def since(self, minute: int) -> AsyncIterator[PublicId]:
        """Yield the waiting posts of a minute. Reads the first pages of all shards at once; few shards have a second."""
        pages = await asyncio.gather(*(self._page(minute, shard, (-1, -1)) for shard in range(SHARDS)))
        for shard, first in enumerate(pages):
            page = first
            while page:
                for post in page:
                    yield post
                page = await self._page(minute, shard, (page[-1].local, page[-1].owner)) if len(page) == PAGE else []

    async def _page(self, minute: int, shard: int, after: tuple[int, int]) -> list[PublicId]:
        return [PublicId(*row) for row in await self._cassandra.execute(_OF_MINUTE, minute, shard, *after, PAGE)]


def _bucket(post: PublicId) -> tuple[int, int]:
    return id_millis(post.local) // MINUTE_MS, post.local % SHARDS
