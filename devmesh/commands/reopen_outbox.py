"""What `lensfeed events reopen` does: asks the sweepers of a mesh to look at closed minutes of an outbox again."""

from collections.abc import Sequence

from redis.asyncio import Redis

from meshkit.events import EventStream
from meshkit.events.outbox import MINUTE_MS


async def request_reopening(client: "Redis", streams: Sequence[str], minutes: int) -> int:
    """Leave a request for each stream, which its sweeper picks up within seconds. Returns the exit code."""
    for name in streams:
        stream = EventStream(name)
        done_before = await stream.redis_ms(client) // MINUTE_MS - minutes
        await stream.request_reopening(client, done_before)
        print(f"{name}: the last {minutes} minutes are swept again", flush=True)  # noqa: T201 - a command speaks to its user
    return 0
