"""Shortens a stream that has no outbox, and so no sweeper to trim it."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.events.stream import EventStream
from meshkit.tasks.periodic import every

INTERVAL_SECONDS = 10.0
_log = structlog.get_logger()


class Trim:
    """Trims one stream. Several may run at once."""

    def __init__(self, redis: "Redis", stream: EventStream) -> None:
        self._redis = redis
        self._stream = stream

    async def __call__(self) -> None:
        """Trim once. Entries that a group has pending or was not given yet stay."""
        handled = await self._stream.handled_position(self._redis)
        if handled is not None:
            await self._stream.trim(self._redis, handled)

    async def run(self, stopping: asyncio.Event) -> None:
        """Trim until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                await self()
            except (RedisError, OSError) as error:
                _log.warning("trim_failed", stream=self._stream.name, error=repr(error))
