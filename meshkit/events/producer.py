"""The producer's side of one stream: the fast path and the sweeper."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from redis.exceptions import RedisError

from meshkit.clocks import Times
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord, OutboxStore
from meshkit.events.publisher import Publisher
from meshkit.events.stream import EventStream
from meshkit.events.sweeper import Sweeper
from meshkit.redis.client import open_redis


class Producer:
    """Offers `send_soon` to use cases, and `sweep` to the server as a background loop."""

    def __init__(self, publisher: Publisher, sweeper: Sweeper) -> None:
        self._publisher = publisher
        self._sweeper = sweeper

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start adding committed events to the stream. Never waits, never fails."""
        self._publisher.send_soon(*records)

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Add events that the fast path missed, until the process stops."""
        await self._sweeper.run(stopping)

    async def times(self) -> Times:
        """Return the time by the clocks of this process, Redis and the store. Raises UnavailableError."""
        try:
            return await self._sweeper.times()
        except (RedisError, OSError) as error:
            raise UnavailableError from error

    async def check_clocks(self) -> None:
        """Raise ClockError while this process's clock is wrong."""
        await self._sweeper.check()


@contextlib.asynccontextmanager
async def open_producer(redis_url: str, stream: EventStream, outbox: OutboxStore) -> AsyncIterator[Producer]:
    """Open a producer. If Redis is down, events are late but not lost."""
    async with open_redis(redis_url) as redis:
        publisher = Publisher(redis, stream)
        try:
            yield Producer(publisher, Sweeper(redis, stream, outbox))
        finally:
            await publisher.drain()
