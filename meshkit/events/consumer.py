"""A member of a consumer group: hands each event to a handler, at least once, and never lets one poison the rest.

Handlers must be idempotent. An event whose handler fails is given again after CLAIM_IDLE_MS, to whichever member asks first;
after MAX_DELIVERIES it goes to the dead-letter stream. While the handler fails only because a part is down or slow, that does
not count: an outage must not bury the events that came in during it. It does for an event older than the outbox keeps one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import stamina
import structlog
from google.protobuf.message import DecodeError
from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.call import CURRENT, Call
from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.events.outbox import MINUTE_MS, RETENTION_MINUTES
from meshkit.events.stream import PAYLOAD_FIELD, EventStream
from meshkit.status import known_error

Handler = Callable[[event_pb2.Event], Awaitable[None]]
HANDLER_LIMIT_SECONDS = 10.0
# Above the handler limit, so that no event is handled twice at once only because it is slow.
CLAIM_IDLE_MS = 30_000
CLAIM_INTERVAL_SECONDS = 5.0
MAX_DELIVERIES = 5
BATCH = 32
BLOCK_MS = 1_000
# After an error of Redis itself.
PAUSE_SECONDS = 0.5
PATIENCE_MS = RETENTION_MINUTES * MINUTE_MS
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    entry_id: bytes
    payload: bytes

    @property
    def added_ms(self) -> int:
        """When it came into the stream, in milliseconds since 1970."""
        return int(self.entry_id.partition(b"-")[0])


class _Outcome(Enum):
    DONE = auto()
    AGAIN = auto()
    # Again, and this time did not count.
    PASSING = auto()
    POISON = auto()


class _PoisonError(Exception):
    """The payload is no event: no further try can help."""


class Consumer:
    """One member of a group on one stream. `member` is stable over restarts, so that what was pending is its own again."""

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
        batch: int = BATCH,
    ) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._member = member
        self._handler = handler
        self._handler_limit = handler_limit
        self._claim_idle_ms = claim_idle_ms
        self._batch = batch
        self._claim_interval = min(CLAIM_INTERVAL_SECONDS, claim_idle_ms / 1000)

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until the process stops; what is being handled then is finished."""
        loop = asyncio.get_running_loop()
        is_group_known = False
        next_claim = 0.0
        while not stopping.is_set():
            try:
                if not is_group_known:
                    await self._make_group()
                    await self._resume(stopping)
                    is_group_known = True
                if loop.time() >= next_claim:
                    claimed = await self._claim()
                    await self._handle(claimed)
                    # A whole batch means that there is more: an outage leaves many, and they are late already.
                    next_claim = loop.time() + (self._claim_interval if len(claimed) < self._batch else 0)
                await self._handle(await self._read(">", until=next_claim))
            except (RedisError, OSError) as error:
                is_group_known = False  # it is gone when Redis lost its data
                _log.warning("consuming_failed", stream=self._stream.name, error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream.key, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _resume(self, stopping: asyncio.Event) -> None:
        """Handle what this member was given before it was started anew, each entry once."""
        position = b"0"
        while not stopping.is_set() and (entries := await self._read(position)):
            await self._handle(entries)
            position = entries[-1].entry_id

    async def _read(self, position: str | bytes, until: float = 0.0) -> list[_Entry]:
        """Read new entries (">"), waiting for some at most until a time of the loop, or own pending ones after a position."""
        wait_ms = round((until - asyncio.get_running_loop().time()) * 1000)
        streams: Any = {self._stream.key: position}
        answer: Any = await self._redis.xreadgroup(
            self._group, self._member, streams, count=self._batch, block=min(max(wait_ms, 1), BLOCK_MS)
        )
        if not answer:
            return []
        batches = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        return [entry for entries in batches for entry in _entries(entries)]

    async def _claim(self) -> list[_Entry]:
        """Take over what some member has left lying, and bury what has failed too often."""
        pending: Any = await self._redis.xpending_range(
            self._stream.key, self._group, "-", "+", self._batch, idle=self._claim_idle_ms
        )
        if not pending:
            return []
        answer: Any = await self._redis.xclaim(
            self._stream.key,
            self._group,
            self._member,
            self._claim_idle_ms,
            [each["message_id"] for each in pending],
        )
        tired = {each["message_id"] for each in pending if each["times_delivered"] >= MAX_DELIVERIES}
        entries = _entries(answer)
        await self._bury([entry for entry in entries if entry.entry_id in tired], "failed too often")
        return [entry for entry in entries if entry.entry_id not in tired]

    async def _handle(self, entries: Sequence[_Entry]) -> None:
        outcomes = await asyncio.gather(*(self._handle_one(entry) for entry in entries))
        sorted_out: dict[_Outcome, list[_Entry]] = {outcome: [] for outcome in _Outcome}
        for entry, outcome in zip(entries, outcomes, strict=True):
            sorted_out[outcome].append(entry)
        if done := sorted_out[_Outcome.DONE]:
            await self._redis.xack(self._stream.key, self._group, *(entry.entry_id for entry in done))
        await self._discount(sorted_out[_Outcome.PASSING])
        await self._bury(sorted_out[_Outcome.POISON], "no event")

    async def _handle_one(self, entry: _Entry) -> _Outcome:
        try:
            event = _decode(entry)
            async with asyncio.timeout(self._handler_limit):
                CURRENT.set(_call_of(event, self._handler_limit))
                await _with_retries(self._handler, event)
        except _PoisonError:
            return _Outcome.POISON
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a handler raises means another try later
            _log.warning(
                "event_not_handled",
                stream=self._stream.name,
                entry=entry.entry_id.decode(),
                error=repr(error),
                exc_info=None if known_error(error) else error,
            )
            return _Outcome.PASSING if _is_passing(error) else _Outcome.AGAIN
        return _Outcome.DONE

    async def _discount(self, entries: Sequence[_Entry]) -> None:
        """Take back the count of a delivery that failed by nobody's fault but an outage's."""
        oldest = time.time_ns() // 1_000_000 - PATIENCE_MS
        ids: Any = [entry.entry_id for entry in entries if entry.added_ms > oldest]
        if ids:
            await self._redis.xclaim(self._stream.key, self._group, self._member, 0, ids, retrycount=0, justid=True)

    async def _bury(self, entries: Sequence[_Entry], why: str) -> None:
        """Move entries to the dead letters, with their group and the reason."""
        for entry in entries:
            _log.error("event_dead", stream=self._stream.name, entry=entry.entry_id.decode(), why=why)
            fields: Any = {PAYLOAD_FIELD: entry.payload, b"group": self._group, b"why": why, b"entry": entry.entry_id}
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xadd(self._stream.dead_key, fields)
                pipeline.xack(self._stream.key, self._group, entry.entry_id)
                await pipeline.execute()


def _call_of(event: event_pb2.Event, seconds: float) -> Call:
    """Make the call that a handler runs in; its child calls end before the handler must."""
    return Call(
        request_id=f"event-{event.event_id}",
        traceparent=event.traceparent or None,
        deadline=time.monotonic() + seconds,
    )


async def _with_retries(handler: Handler, event: event_pb2.Event) -> None:
    """Run a handler, again where a peer is only away for a moment."""
    async for attempt in stamina.retry_context(on=_is_passing, attempts=4, wait_initial=0.1, wait_max=1.0):
        with attempt:
            await handler(event)


def _is_passing(error: Exception) -> bool:
    return isinstance(known_error(error), UnavailableError | DeadlineExceededError)


def _decode(entry: _Entry) -> event_pb2.Event:
    try:
        event = event_pb2.Event.FromString(entry.payload)
    except DecodeError:
        raise _PoisonError from None
    if event.WhichOneof("payload") is None:
        raise _PoisonError
    return event


def _entries(answer: Any) -> list[_Entry]:
    """Turn Redis' list of (id, fields) into entries. One that was trimmed has no fields: its empty payload is no event."""
    return [_Entry(entry_id, (fields or {}).get(PAYLOAD_FIELD, b"")) for entry_id, fields in answer]
