"""A service's side as a producer: the fast path and the sweeper over one stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from meshkit.events.outbox import OutboxRecord, OutboxStore
from meshkit.events.publisher import Publisher
from meshkit.events.stream import EventStream
from meshkit.events.sweeper import Sweeper
from meshkit.redis.client import open_redis


class Producer:
    """What a composition root gives to use cases (`send_soon`) and to the server as a loop (`sweep`)."""

    def __init__(self, publisher: Publisher, sweeper: Sweeper) -> None:
        self._publisher = publisher
        self._sweeper = sweeper

    def send_soon(self, *records: OutboxRecord) -> None:
        """Begin to add committed events to the stream; never waits, never fails."""
        self._publisher.send_soon(*records)

    async def sweep(self, stopping: asyncio.Event) -> None:
        """Re-drive what the fast path missed, until the process stops."""
        await self._sweeper.run(stopping)


@contextlib.asynccontextmanager
async def open_producer(redis_url: str, stream: EventStream, outbox: OutboxStore) -> AsyncIterator[Producer]:
    """Open a producer. A Redis that is down makes events late, and nothing else."""
    async with open_redis(redis_url) as redis:
        publisher = Publisher(redis, stream)
        try:
            yield Producer(publisher, Sweeper(redis, stream, outbox))
        finally:
            await publisher.drain()
