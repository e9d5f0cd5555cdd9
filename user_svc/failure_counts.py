"""Failure counts in Redis, behind the use cases' port."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.errors import UnavailableError
from meshkit.redis.client import open_redis

PREFIX = "guesses:"


class RedisFailureCounts:
    """Counters that expire. Counted here and not by a library's rate limiter, because a success is taken back."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def add(self, key: str, seconds: int) -> int:
        """Add one, and return the count. It starts again `seconds` after its first. Raises UnavailableError."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(PREFIX + key)
                pipeline.expire(PREFIX + key, seconds, nx=True)
                count, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            raise UnavailableError from error
        return int(count)

    async def take_back(self, key: str) -> None:
        """Subtract one. Raises UnavailableError."""
        try:
            if await self._redis.decr(PREFIX + key) < 0:  # it expired meanwhile
                await self._redis.delete(PREFIX + key)
        except (RedisError, OSError) as error:
            raise UnavailableError from error


@contextlib.asynccontextmanager
async def open_failure_counts(redis_url: str) -> AsyncIterator[RedisFailureCounts]:
    """Open the counters."""
    async with open_redis(redis_url) as redis:
        yield RedisFailureCounts(redis)
