"""Who has lately unfollowed whom, in Redis: from the author's side for fan-outs, from the viewer's for rebuilds."""

import time

from redis.asyncio import Redis

# Longer than a fan-out or a rebuild that read the graph before the unfollow can still be under way.
TTL_SECONDS = 600


class RedisPartings:
    """Two small sorted sets for each parting, by the time in seconds.

    A set whose last parting is old is gone by itself; what is old in one that others go on being added to goes with the next.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def add(self, viewer: int, author_id: int) -> None:
        """Remember a parting."""
        now = time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, member in _both(viewer, author_id):
                pipeline.zremrangebyscore(key, "-inf", now - TTL_SECONDS)
                pipeline.zadd(key, {str(member): now})
                pipeline.expire(key, TTL_SECONDS)
            await pipeline.execute()

    async def forget(self, viewer: int, author_id: int) -> None:
        """Forget a parting."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, member in _both(viewer, author_id):
                pipeline.zrem(key, member)
            await pipeline.execute()

    async def viewers_who_left(self, author_id: int) -> set[int]:
        """Read the author's side."""
        return await self._members(_author_key(author_id))

    async def authors_left_by(self, viewer: int) -> set[int]:
        """Read the viewer's side."""
        return await self._members(_viewer_key(viewer))

    async def _members(self, key: str) -> set[int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zrange(key, 0, -1)
            (members,) = await pipeline.execute()
        return {int(member) for member in members}


def _both(viewer: int, author_id: int) -> tuple[tuple[str, int], tuple[str, int]]:
    return (_author_key(author_id), viewer), (_viewer_key(viewer), author_id)


def _author_key(author_id: int) -> str:
    return f"left:{{{author_id}}}"


def _viewer_key(viewer: int) -> str:
    return f"leaving:{{{viewer}}}"
