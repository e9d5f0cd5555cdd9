"""A consumer that prints what it was given and hangs: `python -m tests.meshkit.events.consume_and_hang REDIS_URL STREAM`."""

import asyncio
import sys

from lensfeed.events.v1 import event_pb2

from meshkit.events import Consumer, EventStream
from meshkit.redis.client import open_redis


async def hang(event: event_pb2.Event) -> None:
    """Say that an event came, and hang."""
    print(event.user_updated.user_id, flush=True)  # noqa: T201 - the test reads it
    await asyncio.Event().wait()


async def consume(url: str, stream: str) -> None:
    """Consume until killed."""
    async with open_redis(url) as redis:
        await Consumer(redis, EventStream(stream), "g", "hanging", hang).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(consume(sys.argv[1], sys.argv[2]))
