"""One producing service's stream in Redis: its keys, adding to it exactly once in the life of the Redis, and its positions.

`events:{post}` is the stream; `events:{post}:sent:<minute>:<shard>` is the set of the events that are in it, by their keys of two
64-bit numbers: an id alone is not unique. Both lie in one slot of a cluster, and one script writes both, so that an event which
Redis lost is also one that Redis does not know.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from meshkit.events.outbox import RETENTION_MINUTES, SHARDS, OutboxRecord

PAYLOAD_FIELD = b"event"
# Beyond the retention of the outbox nobody asks for the set any more.
SENT_TTL_SECONDS = (RETENTION_MINUTES + 60) * 60
_ADD = """
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('XADD', KEYS[1], '*', ARGV[4], ARGV[2])
return 1
"""
# KEYS stream, how far a job has come; ARGV step, payload, time to live, the payload's field.
_ADD_STEP = """
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
redis.call('XADD', KEYS[1], '*', ARGV[4], ARGV[2])
return 1
"""
# Longer than a step that is under way can take, and than most events come again.
JOB_TTL_SECONDS = 60 * 60
# After its minute is closed, a sweep or a fast path that began before may still look into the set.
CLOSED_TTL_SECONDS = 600
# A restart may have lost the last second of data, and a failover more: each begins another life.
_LIFE = """
local name = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET') or ARGV[1]
return name .. ':' .. string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
"""
# 16 bytes, where the digits of both numbers would take twice as many.
_MEMBER = struct.Struct(">qq")
# An entry's place in its stream: milliseconds and a sequence number.
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EventStream:
    """A stream and the consumer groups that must have handled an event before it is done.

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
        """Return the key of the set of a bucket's events that are in the stream."""
        return f"{self.key}:sent:{minute}:{shard}"

    async def add(self, redis: "Redis", record: OutboxRecord) -> bool:
        """Add an event unless it is, or was, in the stream. Returns whether it was added."""
        keys = (self.key, self.sent_key(record.minute, record.shard))
        arguments: tuple[Any, ...] = (_member(record), record.payload, SENT_TTL_SECONDS, PAYLOAD_FIELD)
        return bool(await execute(redis, "EVAL", _ADD, len(keys), *keys, *arguments))

    async def add_step(self, redis: "Redis", job: str, number: int, payload: bytes) -> bool:
        """Add a step of a job that goes on from event to event, numbered from 1, unless it or a later one is, or was, here.

        That is remembered for an hour after the last step: a job's events must bear to be handled twice. Returns whether it
        was added.
        """
        keys = (self.key, f"{self.key}:job:{job}")
        arguments: tuple[Any, ...] = (number, payload, JOB_TTL_SECONDS, PAYLOAD_FIELD)
        return bool(await execute(redis, "EVAL", _ADD_STEP, len(keys), *keys, *arguments))

    async def missing(
        self, redis: "Redis", minute: int, shard: int, records: Sequence[OutboxRecord]
    ) -> list[OutboxRecord]:
        """Return those of a bucket's records that are not, and were not, in the stream."""
        if not records:
            return []
        members = map(_member, records)
        known = await execute(redis, "SMISMEMBER", self.sent_key(minute, shard), *members)
        return [record for record, is_known in zip(records, known, strict=True) if not is_known]

    async def life(self, redis: "Redis", proposal: str) -> str:
        """Return what names this life of the Redis, another one after each loss of data.

        `proposal` becomes part of it, where all data was lost since the last name.
        """
        return _text(await execute(redis, "EVAL", _LIFE, 1, f"{self.key}:life", proposal))

    async def forget_sent(self, redis: "Redis", minute: int) -> None:
        """Let go of which events of a closed minute are in the stream, soon."""
        async with redis.pipeline(transaction=False) as pipeline:
            for shard in range(SHARDS):
                pipeline.expire(self.sent_key(minute, shard), CLOSED_TTL_SECONDS)
            await pipeline.execute()

    async def last_position(self, redis: "Redis") -> Position:
        """Return where the newest entry stands; (0, 0) without any."""
        try:
            return _position((await redis.xinfo_stream(self.key))["last-generated-id"])
        except ResponseError:
            return (0, 0)  # no stream yet

    async def handled_position(self, redis: "Redis") -> Position | None:
        """Return the position up to which all groups have handled the stream; None while a group is not there.

        A stream that names no groups waits for those that it has.
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
        """Tell whether there are events that no member of a group was given yet."""
        try:
            groups = {_text(each["name"]): each for each in await redis.xinfo_groups(self.key)}
        except ResponseError:
            return False  # no stream yet
        delivered = _position(groups[group]["last-delivered-id"]) if group in groups else (0, 0)
        return delivered < await self.last_position(redis)

    async def trim(self, redis: "Redis", handled: Position) -> None:
        """Drop entries below a position that all groups have handled. A pending entry must never be dropped."""
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
    # redis-py's own methods for these are typed for its sync client, too.
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # it has no types
