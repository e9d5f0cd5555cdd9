"""Events that a group cannot handle now: kept out of its stream, so that they hold nothing up, and retried every minute.

A sorted set beside each stream, in the same slot: members are entry ids with payloads, scored by when they are due.
"""

from typing import Any

from redis.asyncio import Redis

from meshkit.events.dead_letters import MAX_LETTERS
from meshkit.events.entry import Entry
from meshkit.events.stream import PAYLOAD_FIELD, EventStream, execute
from meshkit.telemetry.catalog import EVENTS_PARKED

RETRY_MS = 60_000
_SEPARATOR = b" "
_parked = EVENTS_PARKED.create()
# KEYS stream, parked; ARGV group, entry, payload, delay in ms. If two members park the same entry, only one succeeds.
_PARK = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + ARGV[4], ARGV[2] .. ' ' .. ARGV[3])
return 1
"""
# KEYS parked; ARGV limit, delay in ms until they are due again.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[2], member) end
return due
"""
# KEYS parked, dead letters; ARGV group, entry, the payload's field, payload, why, length.
_BURY = """
if redis.call('ZREM', KEYS[1], ARGV[2] .. ' ' .. ARGV[4]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*',
  ARGV[3], ARGV[4], 'group', ARGV[1], 'why', ARGV[5], 'entry', ARGV[2])
return 1
"""


class ParkedEvents:
    """The parked events of one group."""

    def __init__(self, redis: "Redis", stream: EventStream, group: str, retry_ms: int = RETRY_MS) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._retry_ms = retry_ms
        self._key = f"{stream.key}:parked:{group}"

    async def park(self, entry: Entry) -> None:
        """Set a pending entry of the group aside. Repeatable."""
        arguments = (self._group, entry.entry_id, entry.payload, self._retry_ms)
        if await execute(self._redis, "EVAL", _PARK, 2, self._stream.key, self._key, *arguments):
            _parked.add(1, {"stream": self._stream.name, "group": self._group})

    async def take(self, limit: int) -> list[Entry]:
        """Return events that are due. Those that are not removed are due again a minute later."""
        found: Any = await execute(self._redis, "EVAL", _TAKE, 1, self._key, limit, self._retry_ms)
        return [Entry(*member.split(_SEPARATOR, 1)) for member in found]

    async def remove(self, entry: Entry) -> None:
        """Remove an event that was handled."""
        await self._redis.zrem(self._key, entry.entry_id + _SEPARATOR + entry.payload)

    async def bury(self, entry: Entry, why: str) -> None:
        """Move an event to the dead letters."""
        arguments = (self._group, entry.entry_id, PAYLOAD_FIELD, entry.payload, why, MAX_LETTERS)
        await execute(self._redis, "EVAL", _BURY, 2, self._key, self._stream.dead_key, *arguments)

    async def count(self) -> int:
        """Return the number of parked events."""
        return int(await self._redis.zcard(self._key))
