"""A consumer that one event kills: `python -m tests.meshkit.events.consume_and_die REDIS_URL STREAM KILLER`.

It is the group's member "m", and kills itself at the event of the user KILLER.
"""

import asyncio
import os
import signal
import sys

from lensfeed.events.v1 import event_pb2

from meshkit.events import Consumer, EventStream
from meshkit.redis.client import open_redis


async def consume(url: str, stream: str, killer: int) -> None:
    """Consume until the event comes that kills this process."""

    async def handle(event: event_pb2.Event) -> None:
        if event.user_updated.user_id == killer:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_redis(url) as redis:
        await Consumer(redis, EventStream(stream), "g", "m", handle).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(consume(sys.argv[1], sys.argv[2], int(sys.argv[3])))
