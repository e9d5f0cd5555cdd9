"""Recent unfollows in Redis: by author for fan-outs, by viewer for rebuilds."""

import time

from redis.asyncio import Redis

# Longer than a fan-out or rebuild that read the graph before the unfollow can still be running.
TTL_SECONDS = 600


class RedisRecentUnfollows:
    """Keeps two sorted sets for each unfollow, scored by time in seconds.

    A set expires with its newest member. Older members are removed when one is added.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def add(self, viewer: int, author_id: int) -> None:
        """Remember an unfollow."""
        now = time.time()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, member in _both(viewer, author_id):
                pipeline.zremrangebyscore(key, "-inf", now - TTL_SECONDS)
                pipeline.zadd(key, {str(member): now})
                pipeline.expire(key, TTL_SECONDS)
            await pipeline.execute()

    async def forget(self, viewer: int, author_id: int) -> None:
        """Forget an unfollow."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, member in _both(viewer, author_id):
                pipeline.zrem(key, member)
            await pipeline.execute()

    async def unfollowers_of(self, author_id: int) -> set[int]:
        """Read the set of an author."""
        return await self._members(_author_key(author_id))

    async def unfollowed_by(self, viewer: int) -> set[int]:
        """Read the set of a viewer."""
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
