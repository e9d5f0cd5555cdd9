"""A member of a consumer group: passes each event to a handler at least once, and isolates failing ones.

Handlers must be idempotent. An event whose handler fails is delivered again after CLAIM_IDLE_MS, to any member; after
MAX_DELIVERIES it goes to the dead letters. An outage must not do that to the events that come in during it. So an event whose
handler takes too long MAX_DELIVERIES times, or meets a part that is down for PARK_AFTER_MS, is *parked*: it leaves the stream,
holds up neither trimming nor closing, and is retried every minute until it is older than the outbox's retention.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.errors import UnavailableError
from meshkit.events.attempt import Handler, Outcome, attempt
from meshkit.events.backlog import Backlog
from meshkit.events.entry import Entry, entries_of
from meshkit.events.parked import RETRY_MS, ParkedEvents
from meshkit.events.settlement import MAX_DELIVERIES, PARK_AFTER_MS, TIRED, Settlement
from meshkit.events.stream import EventStream
from meshkit.telemetry.catalog import EVENT_HANDLING
from meshkit.telemetry.switches import has_metrics

HANDLER_LIMIT_SECONDS = 10.0
# Above the handler limit, so that a slow event is not handled twice at once.
CLAIM_IDLE_MS = 30_000
CLAIM_INTERVAL_SECONDS = 5.0
# How many events are handled at once. As soon as one is done, another is read.
AT_ONCE = 32
# With less free room than this share, a read waits a moment for more, because it costs as much as several events.
GOOD_SHARE = 4
LINGER_SECONDS = 0.002
BLOCK_MS = 1_000
# After an error of Redis itself.
PAUSE_SECONDS = 0.5
_handling = EVENT_HANDLING.create()
_log = structlog.get_logger()


class Consumer:
    """One member of a group on one stream. A stable `member` name gets its pending entries back after a restart."""

    def __init__(
        self,
        redis: "Redis",
        stream: EventStream,
        group: str,
        member: str,
        handler: Handler,
        *,
        handler_limit: float = HANDLER_LIMIT_SECONDS,
        claim_idle_ms: int = CLAIM_IDLE_MS,
        at_once: int = AT_ONCE,
        park_after_ms: int = PARK_AFTER_MS,
        retry_ms: int = RETRY_MS,
    ) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._member = member
        self._handler = handler
        self._handler_limit = handler_limit
        self._claim_idle_ms = claim_idle_ms
        self._at_once = at_once
        self._claim_interval = min(CLAIM_INTERVAL_SECONDS, claim_idle_ms / 1000)
        self._parked = ParkedEvents(redis, stream, group, retry_ms)
        self._settlement = Settlement(redis, stream, group, member, self._parked, park_after_ms)
        self._in_hand: set[bytes] = set()
        self._freed = asyncio.Event()

    async def is_idle(self) -> bool:
        """Tell whether this member handles nothing and no new event waits. Raises UnavailableError."""
        try:
            return not self._in_hand and not await self._stream.has_new(self._redis, self._group)
        except (RedisError, OSError) as error:
            raise UnavailableError from error

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until the process stops, and finish the events being handled."""
        async with asyncio.TaskGroup() as handling:
            if has_metrics():
                handling.create_task(Backlog(self._redis, self._stream, self._group, self._parked).watch(stopping))
            await self._consume(handling, stopping)

    async def _consume(self, handling: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        is_group_known = False
        next_claim = 0.0
        while not stopping.is_set():
            try:
                if not is_group_known:
                    await self._make_group()
                    await self._resume(handling, stopping)
                    is_group_known = True
                if loop.time() >= next_claim:
                    is_more = await self._claim(handling) | await self._retry_parked(handling)
                    # After an outage many are left, and they are late already.
                    next_claim = loop.time() + (0 if is_more else self._claim_interval)
                self._begin(handling, await self._read(">", await self._room(), until=next_claim))
            except (RedisError, OSError) as error:
                is_group_known = False  # Redis may have lost its data, and the group with it
                _log.warning("consuming_failed", stream=self._stream.name, error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream.key, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _resume(self, handling: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        """Handle the entries that this member was given before its restart, each once."""
        position = b"0"
        while not stopping.is_set() and (entries := await self._read(position, await self._room())):
            self._begin(handling, entries)
            position = entries[-1].entry_id

    async def _room(self) -> int:
        """Wait until there is room, and return for how many entries."""
        while len(self._in_hand) >= self._at_once:
            self._freed.clear()
            await self._freed.wait()
        if self._at_once - len(self._in_hand) < self._at_once // GOOD_SHARE:
            await asyncio.sleep(LINGER_SECONDS)
        return self._at_once - len(self._in_hand)

    async def _read(self, position: str | bytes, count: int, until: float = 0.0) -> list[Entry]:
        """Read new entries (">", waiting until a time of the loop at most) or own pending ones after a position."""
        wait_ms = round((until - asyncio.get_running_loop().time()) * 1000)
        streams: Any = {self._stream.key: position}
        answer: Any = await self._redis.xreadgroup(
            self._group, self._member, streams, count=count, block=min(max(wait_ms, 1), BLOCK_MS)
        )
        if not answer:
            return []
        batches = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        return [entry for entries in batches for entry in entries_of(entries)]

    async def _claim(self, handling: asyncio.TaskGroup) -> bool:
        """Take over entries that any member left pending; move those that failed too often to the dead letters.

        Returns whether there may be more.
        """
        room = await self._room()
        found: Any = await self._redis.xpending_range(
            self._stream.key, self._group, "-", "+", room, idle=self._claim_idle_ms
        )
        pending = [each for each in found if each["message_id"] not in self._in_hand]
        if not pending:
            return False
        answer: Any = await self._redis.xclaim(
            self._stream.key,
            self._group,
            self._member,
            self._claim_idle_ms,
            [each["message_id"] for each in pending],
        )
        tired = {each["message_id"] for each in pending if each["times_delivered"] >= MAX_DELIVERIES}
        entries = entries_of(answer)
        for entry in entries:
            if entry.entry_id in tired:
                await self._settlement.bury(entry, TIRED)
        tries = {each["message_id"]: each["times_delivered"] + 1 for each in pending}
        self._begin(handling, (entry for entry in entries if entry.entry_id not in tired), tries)
        return len(pending) == room

    async def _retry_parked(self, handling: asyncio.TaskGroup) -> bool:
        """Retry parked events that are due. Returns whether there may be more that can be handled."""
        room = await self._room()
        due = await self._parked.take(room)
        for entry in due:
            if entry.entry_id not in self._in_hand:
                self._in_hand.add(entry.entry_id)
                handling.create_task(self._handle(entry, self._settlement.settle_parked))
        return len(due) == room and self._settlement.are_parked_handled

    def _begin(
        self, handling: asyncio.TaskGroup, entries: Iterable[Entry], tries: Mapping[bytes, int] = MappingProxyType({})
    ) -> None:
        """Start handling entries, except those being handled: after a break they are delivered again."""
        for entry in entries:
            if entry.entry_id not in self._in_hand:
                self._in_hand.add(entry.entry_id)
                settle = partial(self._settlement.settle, tries=tries.get(entry.entry_id, 1))
                handling.create_task(self._handle(entry, settle))

    async def _handle(self, entry: Entry, settle: Callable[[Entry, Outcome], Awaitable[None]]) -> None:
        try:
            await settle(entry, await self._attempt(entry))
        except (RedisError, OSError) as error:  # it stays pending and is delivered again
            _log.warning(
                "event_not_settled", stream=self._stream.name, entry=entry.entry_id.decode(), error=repr(error)
            )
        finally:
            self._in_hand.discard(entry.entry_id)
            self._freed.set()

    async def _attempt(self, entry: Entry) -> Outcome:
        start = time.perf_counter()
        outcome = await attempt(self._handler, entry, self._handler_limit, self._stream.name)
        attributes = {"stream": self._stream.name, "group": self._group, "outcome": outcome.name.lower()}
        _handling.record(time.perf_counter() - start, attributes)
        return outcome
