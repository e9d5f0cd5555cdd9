"""The fast path: adds an event to its stream right after the commit, without delaying the caller."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.crash_points import crash_point
from meshkit.events.outbox import OutboxRecord
from meshkit.events.stream import EventStream
from meshkit.telemetry.spans import sending

# With more adds than this in progress Redis is slow, and the sweeper will catch up.
MAX_UNDER_WAY = 1_000
# How long a stopping process waits. A Redis that hangs takes its time-out for each command and for each free connection.
DRAIN_SECONDS = 2.0
_log = structlog.get_logger()


class Publisher:
    """Adds events without making callers wait or fail. The sweeper adds what this misses."""

    def __init__(self, redis: "Redis", stream: EventStream) -> None:
        self._redis = redis
        self._stream = stream
        self._under_way: set[asyncio.Task[None]] = set()

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start adding committed events to the stream."""
        crash_point("outbox.committed")
        for record in records[: MAX_UNDER_WAY - len(self._under_way)]:
            task = asyncio.create_task(self._send(record))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def drain(self) -> None:
        """Wait for adds in progress, but not long: the sweeper adds what is left."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _send(self, record: OutboxRecord) -> None:
        try:
            with sending(self._stream.name):
                await self._stream.add(self._redis, record)
            crash_point("outbox.sent")
        except (RedisError, OSError) as error:
            _log.warning("event_not_sent", stream=self._stream.name, event_id=record.event_id, error=repr(error))
