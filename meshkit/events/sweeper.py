"""The sweeper: adds events that the fast path missed, and closes the outbox's minutes.

An event is done once every consumer group has acknowledged it. This is not recorded per event: a group has handled every entry
before its oldest pending one (or, with none pending, up to the last delivered one), and entries are added in time order. So the
lowest such position of all groups says how far the stream may be trimmed and which minutes of the outbox are closed. After Redis
loses all data, the sweeper continues from the last closed minute, which the store keeps.
"""

import asyncio
import contextlib
import uuid

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.clocks import ClockError, Times, compare, local_ms
from meshkit.crash_points import crash_point
from meshkit.errors import LensfeedError
from meshkit.events.outbox import (
    BEFORE_ALL,
    CLOSING_MINUTES,
    MINUTE_MS,
    RETENTION_MINUTES,
    SHARDS,
    EventKey,
    OutboxStore,
    before,
)
from meshkit.events.stream import EventStream, Position
from meshkit.ids import first_id
from meshkit.redis.lease import Lease
from meshkit.tasks.periodic import every
from meshkit.telemetry.catalog import OUTBOX_AHEAD, OUTBOX_OPEN, OUTBOX_REDRIVEN

INTERVAL_SECONDS = 2.0
# Younger events are left to the fast path.
GRACE_MS = 2_000
# At this age a minute is read once more completely, for events that were committed late.
SETTLED_MINUTES = 2
# How far back to look if the stored mark cannot be believed, because it lies in the future.
DOUBT_MINUTES = 10
PAGE = 500
# Less than a health check may take.
CHECK_SECONDS = 1.0
_ahead = OUTBOX_AHEAD.create()
_open = OUTBOX_OPEN.create()
_redriven = OUTBOX_REDRIVEN.create()
_log = structlog.get_logger()


class Sweeper:
    """Sweeps one service's outbox. Several may run: one of them holds the lease, and each event is added only once anyway."""

    def __init__(self, redis: "Redis", stream: EventStream, store: OutboxStore) -> None:
        self._redis = redis
        self._stream = stream
        self._store = store
        self._lease = Lease(redis, f"{stream.key}:sweeper:{store.store_name}")
        self._forget()

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep until the process stops, while no other sweeper does."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                if await self._lease.hold():
                    await self.sweep()
            except (RedisError, OSError, LensfeedError) as error:
                _log.warning("sweep_failed", stream=self._stream.name, error=repr(error))
        with contextlib.suppress(RedisError, OSError):
            await self._lease.release()

    async def check(self) -> None:
        """Raise ClockError if this process's clock differs from all others. An outage of Redis raises nothing."""
        with contextlib.suppress(RedisError, OSError):  # TimeoutError is an OSError
            async with asyncio.timeout(CHECK_SECONDS):
                times = await self.times()
            if times.is_local_wrong:
                raise ClockError("the clock of this process differs from all others by more than a minute")

    async def sweep(self, now_ms: int | None = None) -> int:
        """Sweep once and return how many events were missing. `now_ms` is in milliseconds since 1970, for tests."""
        times = await self.times() if now_ms is None else Times(now_ms, now_ms)
        await self._notice_loss()
        await self._reopen()
        now, this_minute = times.latest_ms, times.latest_ms // MINUTE_MS
        done_before = await self._store.outbox_done_before()
        if self._is_ahead(done_before, times):
            repair = f"lensfeed events reopen {self._stream.name}"
            _log.error("outbox_closed_into_the_future", done_before=done_before, repair=repair)
            done_before = times.earliest_ms // MINUTE_MS - DOUBT_MINUTES
        done_before = max(done_before, this_minute - RETENTION_MINUTES)
        self._forget_before(done_before)
        _open.set(max(0, now - done_before * MINUTE_MS) / 1_000, {"stream": self._stream.name})
        # Only what is old enough by every clock is closed, and nothing while clocks disagree.
        closing_before = times.earliest_ms // MINUTE_MS - CLOSING_MINUTES + 1 if times.agree else 0
        await self._store.seal_outbox(closing_before)
        added = 0
        for minute in range(done_before, this_minute + 1):
            if minute not in self._complete:
                is_settled = minute <= this_minute - SETTLED_MINUTES and minute not in self._settled
                added += await self._sweep_minute(minute, now, closing=minute < closing_before, whole=is_settled)
        if added:
            _redriven.add(added, {"stream": self._stream.name})
            _log.info("events_redriven", stream=self._stream.name, count=added)
        await self._close(done_before, this_minute)
        # No group holds the stream for longer than the outbox keeps its events.
        if times.agree:
            await self._stream.trim(self._redis, (times.earliest_ms - RETENTION_MINUTES * MINUTE_MS, 0))
        return added

    async def times(self) -> Times:
        """Return the time by the clocks of this process, Redis and the store."""
        others = {"redis": await self._stream.redis_ms(self._redis)}
        if (store_ms := self._store.store_ms()) is not None:
            others["store"] = store_ms
        return compare(local_ms(), others)

    def _is_ahead(self, done_before: int, times: Times) -> bool:
        ahead = done_before - times.latest_ms // MINUTE_MS
        _ahead.set(max(0, ahead), {"stream": self._stream.name})
        return ahead > 0

    async def _reopen(self) -> None:
        """Move the mark back if an operator has asked for it."""
        if (minute := await self._stream.requested_reopening(self._redis)) is not None:
            await self._store.reopen_outbox(minute)
            await self._stream.end_reopening(self._redis)
            self._complete.clear()
            _log.warning("outbox_reopened", stream=self._stream.name, done_before=minute)

    def _forget(self) -> None:
        self._incarnation: str | None = None
        # Minutes that are completely in the stream -> the stream's last entry at that time.
        self._complete: dict[int, Position] = {}
        # Minutes that were read completely once they were settled.
        self._settled: set[int] = set()
        # Buckets of open minutes -> the id up to which they were checked.
        self._reached: dict[tuple[int, int], int] = {}

    def _forget_before(self, minute: int) -> None:
        """Forget minutes that another sweeper closed."""
        self._complete = {each: position for each, position in self._complete.items() if each >= minute}
        self._settled = {each for each in self._settled if each >= minute}
        self._reached = {bucket: reached for bucket, reached in self._reached.items() if bucket[0] >= minute}

    async def _notice_loss(self) -> bool:
        """Start over if Redis lost data since the last time, because the stream may lack what was seen in it."""
        incarnation = await self._stream.incarnation(self._redis, uuid.uuid4().hex)
        if incarnation == self._incarnation:
            return False
        self._forget()
        self._incarnation = incarnation
        return True

    async def _sweep_minute(self, minute: int, now: int, *, closing: bool, whole: bool) -> int:
        """Add a minute's missing events. It is read as it grows, and completely once it is settled and when it is closed."""
        upto = first_id(now - GRACE_MS)
        added = 0
        for shard in range(SHARDS):
            after = BEFORE_ALL if closing or whole else before(self._reached.get((minute, shard), 0))
            added += await self._sweep_bucket(minute, shard, after, upto)
            self._reached[minute, shard] = upto
        if whole:
            self._settled.add(minute)
        if closing:
            self._complete[minute] = await self._stream.last_position(self._redis)
            for shard in range(SHARDS):
                del self._reached[minute, shard]
        return added

    async def _sweep_bucket(self, minute: int, shard: int, after: EventKey, upto: int) -> int:
        added = 0
        while records := await self._store.read_outbox(minute, shard, after, PAGE):
            due = [record for record in records if record.event_id < upto]
            for record in await self._stream.missing(self._redis, minute, shard, due):
                added += await self._stream.add(self._redis, record)
                crash_point("outbox.swept")
            if len(due) < PAGE:
                break
            after = due[-1].key
        return added

    async def _close(self, done_before: int, this_minute: int) -> None:
        """Close the minutes that every group has handled, oldest first, and trim the stream."""
        handled = await self._stream.handled_position(self._redis)
        # Positions before and after a loss of data cannot be compared: a loss since the sweep began must not close anything.
        if handled is None or await self._notice_loss():
            return
        minute = done_before
        while minute in self._complete and self._complete[minute] <= handled:
            minute += 1
        if minute > done_before:
            # In this order: the events of an open minute without sets would be added again.
            await self._store.set_outbox_done_before(minute)
            for closed in range(done_before, minute):
                await self._stream.forget_sent(self._redis, closed)
            await self._store.purge_outbox(this_minute - RETENTION_MINUTES)
        await self._stream.trim(self._redis, handled)
