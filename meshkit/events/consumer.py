"""A member of a consumer group: passes each event to a handler at least once, and isolates failing ones.

Handlers must be idempotent. An event whose handler fails is delivered again after CLAIM_IDLE_MS, to any member; after
MAX_DELIVERIES it goes to the dead letters. One that may have killed its worker is handled alone (`membership`), so that it takes
no other along. An outage must not give up the events that come in during it. So an event whose handler takes too long
MAX_DELIVERIES times, or meets a part that is down for PARK_AFTER_MS, is *parked*: it leaves the stream, holds up neither trimming
nor closing, and is retried every minute until it is older than the outbox's retention.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.crash_points import crash_point
from meshkit.errors import UnavailableError
from meshkit.events.attempt import Handler, Outcome, attempt
from meshkit.events.backlog import Backlog
from meshkit.events.entry import Entry
from meshkit.events.membership import Membership, Pending
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
# Held while a suspect is handled, by all consumers of a process: it may be the other one's event that kills it.
_alone = asyncio.Lock()
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
        self._membership = Membership(redis, stream, group, member, claim_idle_ms)
        self._is_restart = True
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
                    await self._membership.make_group()
                    await self._resume(handling, stopping)
                    is_group_known = True
                if loop.time() >= next_claim:
                    is_more = await self._claim(handling, stopping) | await self._retry_parked(handling)
                    # After an outage many are left, and they are late already.
                    next_claim = loop.time() + (0 if is_more else self._claim_interval)
                room = await self._room()
                wait_ms = min(max(round((next_claim - loop.time()) * 1000), 1), BLOCK_MS)
                self._begin(handling, await self._membership.read(room, wait_ms))
            except (RedisError, OSError) as error:
                is_group_known = False  # Redis may have lost its data, and the group with it
                _log.warning("consuming_failed", stream=self._stream.name, error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _resume(self, handling: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        """Handle the entries that this member was given before its restart, each once."""
        first = "-"
        while not stopping.is_set() and (
            found := await self._membership.own(first, await self._room(), is_restart=self._is_restart)
        ):
            await self._deliver_again(handling, stopping, found, 0)
            first = f"({found[-1].entry_id.decode()}"
        self._is_restart = False

    async def _room(self) -> int:
        """Wait until there is room, and return for how many entries."""
        while len(self._in_hand) >= self._at_once:
            self._freed.clear()
            await self._freed.wait()
        if self._at_once - len(self._in_hand) < self._at_once // GOOD_SHARE:
            await asyncio.sleep(LINGER_SECONDS)
        return self._at_once - len(self._in_hand)

    async def _claim(self, handling: asyncio.TaskGroup, stopping: asyncio.Event) -> bool:
        """Take over entries that any member left pending; move those that failed too often to the dead letters.

        Returns whether there may be more.
        """
        room = await self._room()
        found = await self._membership.overdue(room)
        pending = [each for each in found if each.entry_id not in self._in_hand]
        await self._deliver_again(handling, stopping, pending, self._claim_idle_ms)
        return bool(pending) and len(pending) == room

    async def _deliver_again(
        self, handling: asyncio.TaskGroup, stopping: asyncio.Event, pending: Sequence[Pending], min_idle_ms: int
    ) -> None:
        """Begin to handle entries together, then handle suspects one after another, with nothing beside them."""
        await self._take(handling, [each for each in pending if not each.is_suspect], min_idle_ms)
        for suspect in (each for each in pending if each.is_suspect):
            if stopping.is_set():
                break
            async with _alone:
                await self._until_idle()
                await self._take(handling, [suspect], min_idle_ms)
                await self._until_idle()

    async def _take(self, handling: asyncio.TaskGroup, pending: Sequence[Pending], min_idle_ms: int) -> None:
        deliveries = {each.entry_id: each.deliveries for each in pending}
        entries = await self._membership.take(list(deliveries), min_idle_ms)
        tired = [each for each in entries if deliveries[each.entry_id] >= MAX_DELIVERIES]
        for entry in tired:
            await self._settlement.bury(entry, TIRED)
        tries = {entry_id: count + 1 for entry_id, count in deliveries.items()}
        self._begin(handling, (entry for entry in entries if entry not in tired), tries)

    async def _until_idle(self) -> None:
        while self._in_hand:
            self._freed.clear()
            await self._freed.wait()

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
        crash_point("event.taken")
        outcome = await attempt(self._handler, entry, self._handler_limit, self._stream.name)
        attributes = {"stream": self._stream.name, "group": self._group, "outcome": outcome.name.lower()}
        crash_point("event.handled")
        _handling.record(time.perf_counter() - start, attributes)
        return outcome
