"""A member of a consumer group: hands each event to a handler, at least once, and never lets one poison the rest.

Handlers must be idempotent. An event whose handler fails is given again after CLAIM_IDLE_MS, to whichever member asks first;
after MAX_DELIVERIES it goes to the dead-letter stream.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import stamina
import structlog
from google.protobuf.message import DecodeError
from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.call import CURRENT, Call
from meshkit.errors import DeadlineExceededError, UnavailableError
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
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    entry_id: bytes
    payload: bytes


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

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until the process stops; what is being handled then is finished."""
        loop = asyncio.get_running_loop()
        is_group_known = False
        next_claim = 0.0
        while not stopping.is_set():
            try:
                if not is_group_known:
                    await self._make_group()
                    await self._handle(await self._read("0"))  # what a former life of this member left
                    is_group_known = True
                if loop.time() >= next_claim:
                    await self._handle(await self._claim())
                    next_claim = loop.time() + CLAIM_INTERVAL_SECONDS
                await self._handle(await self._read(">"))
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

    async def _read(self, position: str) -> list[_Entry]:
        """Read new entries (">") or this member's own pending ones ("0")."""
        streams: Any = {self._stream.key: position}
        answer: Any = await self._redis.xreadgroup(
            self._group, self._member, streams, count=self._batch, block=BLOCK_MS
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

    async def _handle(self, entries: list[_Entry]) -> None:
        outcomes = await asyncio.gather(*(self._handle_one(entry) for entry in entries))
        if done := [entry_id for entry_id in outcomes if entry_id is not None]:
            await self._redis.xack(self._stream.key, self._group, *done)

    async def _handle_one(self, entry: _Entry) -> bytes | None:
        """Return the entry's id where it needs no further try now."""
        try:
            event = _decode(entry)
            CURRENT.set(Call(request_id=f"event-{event.event_id}", traceparent=event.traceparent or None))
            async with asyncio.timeout(self._handler_limit):
                await _with_retries(self._handler, event)
        except _PoisonError:
            await self._bury([entry], "no event")
            return None
        except Exception as error:  # noqa: BLE001 - the boundary: whatever a handler raises means another try later
            _log.warning(
                "event_not_handled",
                stream=self._stream.name,
                entry=entry.entry_id.decode(),
                error=repr(error),
                exc_info=None if known_error(error) else error,
            )
            return None
        return entry.entry_id

    async def _bury(self, entries: list[_Entry], why: str) -> None:
        """Move entries to the dead letters, with their group and the reason."""
        for entry in entries:
            _log.error("event_dead", stream=self._stream.name, entry=entry.entry_id.decode(), why=why)
            fields: Any = {PAYLOAD_FIELD: entry.payload, b"group": self._group, b"why": why, b"entry": entry.entry_id}
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.xadd(self._stream.dead_key, fields)
                pipeline.xack(self._stream.key, self._group, entry.entry_id)
                await pipeline.execute()


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
    """Turn Redis' list of (id, fields) into entries. A trimmed one has no fields any more: there is nothing to do for it."""
    return [_Entry(entry_id, (fields or {}).get(PAYLOAD_FIELD, b"")) for entry_id, fields in answer]
