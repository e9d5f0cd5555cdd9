"""A producing service's stream in Redis: its keys, adding each event once, and its positions.

`events:{post}` is the stream. `events:{post}:sent:<minute>:<shard>` is the set of the keys of events that were added to it. Both
are in one slot of a cluster and written by one script, so if Redis loses an event, it also forgets that it was added.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from meshkit.events.outbox import RETENTION_MINUTES, SHARDS, OutboxRecord

PAYLOAD_FIELD = b"event"
# The set is not read after the retention of the outbox.
SENT_TTL_SECONDS = (RETENTION_MINUTES + 60) * 60
_ADD = """
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('XADD', KEYS[1], '*', ARGV[4], ARGV[2])
return 1
"""
# KEYS stream, the job's progress; ARGV step, payload, time to live, the payload's field.
_ADD_STEP = """
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
redis.call('XADD', KEYS[1], '*', ARGV[4], ARGV[2])
return 1
"""
# Longer than a step can take, and than most events are delivered again.
JOB_TTL_SECONDS = 60 * 60
# A sweep or fast path that began before its minute was closed may still read the set.
CLOSED_TTL_SECONDS = 600
# A restart may lose the last second of data, and a failover more. Each begins a new incarnation.
_INCARNATION = """
local name = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET') or ARGV[1]
return name .. ':' .. string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
"""
_TIME = "return redis.call('TIME')"
# 16 bytes, half of what the decimal digits of both numbers would take.
_MEMBER = struct.Struct(">qq")
# An entry's id: milliseconds and a sequence number.
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EventStream:
    """A stream and the groups that must handle each event.

    `name` is the producing service's short name ("post"), `groups` the names of the groups that consume it.
    """

    name: str
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The stream's key."""
        return f"events:{{{self.name}}}"

    @property
    def dead_key(self) -> str:
        """The key of the stream of dead letters."""
        return f"{self.key}:dead"

    def sent_key(self, minute: int, shard: int) -> str:
        """Return the key of the set of a bucket's events that were added."""
        return f"{self.key}:sent:{minute}:{shard}"

    async def add(self, redis: "Redis", record: OutboxRecord) -> bool:
        """Add an event unless it was added before. Returns whether it was added now."""
        keys = (self.key, self.sent_key(record.minute, record.shard))
        arguments: tuple[Any, ...] = (_member(record), record.payload, SENT_TTL_SECONDS, PAYLOAD_FIELD)
        return bool(await execute(redis, "EVAL", _ADD, len(keys), *keys, *arguments))

    async def add_step(self, redis: "Redis", job: str, number: int, payload: bytes) -> bool:
        """Add a step of a job that consists of several events, unless it or a later step was added before.

        Steps are numbered from 1. The number is remembered for an hour after the last step, so handling a step twice must be
        harmless. Returns whether it was added.
        """
        keys = (self.key, f"{self.key}:job:{job}")
        arguments: tuple[Any, ...] = (number, payload, JOB_TTL_SECONDS, PAYLOAD_FIELD)
        return bool(await execute(redis, "EVAL", _ADD_STEP, len(keys), *keys, *arguments))

    async def missing(
        self, redis: "Redis", minute: int, shard: int, records: Sequence[OutboxRecord]
    ) -> list[OutboxRecord]:
        """Return the records of a bucket that were never added to the stream."""
        if not records:
            return []
        members = map(_member, records)
        known = await execute(redis, "SMISMEMBER", self.sent_key(minute, shard), *members)
        return [record for record, is_known in zip(records, known, strict=True) if not is_known]

    async def redis_ms(self, redis: "Redis") -> int:
        """Return the time of the server that has the stream, in milliseconds since 1970."""
        seconds, micros = await execute(redis, "EVAL", _TIME, 1, self.key)
        return int(seconds) * 1_000 + int(micros) // 1_000

    async def request_reopening(self, redis: "Redis", done_before: int) -> None:
        """Ask the sweepers to set the minute before which the outbox is done to a lower one."""
        await redis.set(self._reopen_key, done_before, ex=JOB_TTL_SECONDS)

    async def requested_reopening(self, redis: "Redis") -> int | None:
        """Return the minute of such a request, or None."""
        found = await redis.get(self._reopen_key)
        return None if found is None else int(found)

    async def end_reopening(self, redis: "Redis") -> None:
        """Delete the request."""
        await redis.delete(self._reopen_key)

    @property
    def _reopen_key(self) -> str:
        return f"{self.key}:reopen"

    async def incarnation(self, redis: "Redis", proposal: str) -> str:
        """Return an identifier that changes whenever Redis may have lost data.

        `proposal` becomes part of it if Redis has lost everything.
        """
        return _text(await execute(redis, "EVAL", _INCARNATION, 1, f"{self.key}:life", proposal))

    async def forget_sent(self, redis: "Redis", minute: int) -> None:
        """Let the sets of a closed minute expire soon."""
        async with redis.pipeline(transaction=False) as pipeline:
            for shard in range(SHARDS):
                pipeline.expire(self.sent_key(minute, shard), CLOSED_TTL_SECONDS)
            await pipeline.execute()

    async def last_position(self, redis: "Redis") -> Position:
        """Return the id of the newest entry, or (0, 0)."""
        try:
            return _position((await redis.xinfo_stream(self.key))["last-generated-id"])
        except ResponseError:
            return (0, 0)  # no stream yet

    async def handled_position(self, redis: "Redis") -> Position | None:
        """Return the position up to which all groups have handled the stream; None while a group is missing.

        A stream without named groups uses the groups that exist.
        """
        try:
            groups = {_text(group["name"]): group for group in await redis.xinfo_groups(self.key)}
        except ResponseError:
            return None  # no stream yet
        needed = set(self.groups) or groups.keys()
        if not needed or not groups.keys() >= needed:
            return None
        return min([await self._handled_by(redis, name, groups[name]["last-delivered-id"]) for name in needed])

    async def has_new(self, redis: "Redis", group: str) -> bool:
        """Tell whether a group has undelivered events."""
        try:
            groups = {_text(each["name"]): each for each in await redis.xinfo_groups(self.key)}
        except ResponseError:
            return False  # no stream yet
        delivered = _position(groups[group]["last-delivered-id"]) if group in groups else (0, 0)
        return delivered < await self.last_position(redis)

    async def trim(self, redis: "Redis", handled: Position) -> None:
        """Delete entries below a position that all groups have handled. Never delete a pending entry."""
        await redis.xtrim(self.key, minid=f"{handled[0]}-{handled[1]}", approximate=True)

    async def _handled_by(self, redis: "Redis", group: str, last_delivered: bytes) -> Position:
        pending = await redis.xpending(self.key, group)
        if not pending["pending"]:
            return _position(last_delivered)
        milliseconds, sequence = _position(pending["min"])
        return (milliseconds, sequence - 1) if sequence else (milliseconds - 1, 0)


def _member(record: OutboxRecord) -> bytes:
    return _MEMBER.pack(*record.key)


def _position(entry_id: bytes | str) -> Position:
    milliseconds, _, sequence = _text(entry_id).partition("-")
    return (int(milliseconds), int(sequence))


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


async def execute(redis: "Redis", *command: Any) -> Any:
    """Run one command, by its name."""
    # redis-py's methods for these have the types of its synchronous client as well.
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # it has no types
