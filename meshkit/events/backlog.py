"""Measures what a consumer group has left to do, as metrics."""

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.clocks import local_ms
from meshkit.events.parked import ParkedEvents
from meshkit.events.stream import EventStream
from meshkit.tasks.periodic import every
from meshkit.telemetry.catalog import DEAD_LETTERS, EVENTS_OLDEST, EVENTS_SET_ASIDE, EVENTS_WAITING

INTERVAL_SECONDS = 5.0
_waiting = EVENTS_WAITING.create()
_oldest = EVENTS_OLDEST.create()
_set_aside = EVENTS_SET_ASIDE.create()
_dead_letters = DEAD_LETTERS.create()
_log = structlog.get_logger()


class Backlog:
    """The backlog of one group. Every member measures it, and gets the same result."""

    def __init__(self, redis: "Redis", stream: EventStream, group: str, parked: ParkedEvents) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._parked = parked
        self._attributes = {"stream": stream.name, "group": group}

    async def watch(self, stopping: asyncio.Event) -> None:
        """Measure until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                await self.measure()
            except (RedisError, OSError) as error:
                _log.info("backlog_not_measured", stream=self._stream.name, error=repr(error))

    async def measure(self) -> None:
        """Record how many events wait, for how long, and how many were set aside or given up."""
        waiting, oldest_ms = await self._waiting()
        _waiting.set(waiting, self._attributes)
        _oldest.set(max(0, local_ms() - oldest_ms) / 1_000 if oldest_ms else 0, self._attributes)
        _set_aside.set(await self._parked.count(), self._attributes)
        _dead_letters.set(int(await self._redis.xlen(self._stream.dead_key)), {"stream": self._stream.name})

    async def _waiting(self) -> tuple[int, int]:
        """Return how many events wait, and when the oldest was added in milliseconds since 1970; 0 without one."""
        try:
            groups: Any = await self._redis.xinfo_groups(self._stream.key)
        except ResponseError:
            return 0, 0  # no stream yet
        for group in groups:
            if group["name"] == self._group.encode():
                # After a deletion Redis does not know how many are new.
                waiting = group["pending"] + (group.get("lag") or 0)
                return waiting, await self._oldest(group["pending"], group["last-delivered-id"].decode())
        return 0, 0

    async def _oldest(self, pending: int, delivered: str) -> int:
        if pending and (first := (await self._redis.xpending(self._stream.key, self._group))["min"]):
            return int(first.partition(b"-")[0])
        new: Any = await self._redis.xrange(self._stream.key, f"({delivered}", "+", count=1)
        return int(new[0][0].partition(b"-")[0]) if new else 0
