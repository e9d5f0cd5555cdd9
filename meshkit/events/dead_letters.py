"""Events that consumers gave up, for a person to inspect and replay or drop.

`events:{post}:dead` is a stream in the same slot as `events:{post}`, so that one script can move an event between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.events.entry import Entry, PoisonError, decode
from meshkit.events.stream import PAYLOAD_FIELD, EventStream, execute

# More than anybody inspects, but few enough not to fill Redis. Each one is in the log, too.
MAX_LETTERS = 100_000
# KEYS stream, dead letters; ARGV group, entry, the payload's field, payload, why, length. If two members bury
# the same entry, only one succeeds.
_BURY = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*',
  ARGV[3], ARGV[4], 'group', ARGV[1], 'why', ARGV[5], 'entry', ARGV[2])
return 1
"""
# KEYS stream, dead letters; ARGV the payload's field, letters… Skips a letter that somebody else has already replayed.
_REPLAY = """
local replayed = 0
for i = 2, #ARGV do
  local letter = redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])[1]
  local fields = letter and letter[2] or {}
  for at = 1, #fields, 2 do
    if fields[at] == ARGV[1] then
      redis.call('XADD', KEYS[1], '*', ARGV[1], fields[at + 1])
      redis.call('XDEL', KEYS[2], ARGV[i])
      replayed = replayed + 1
    end
  end
end
return replayed
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that one group gave up. `entry_id` was its id in the stream; `letter_id` is like 1735689600000-0."""

    letter_id: str
    payload: bytes
    group: str
    why: str
    entry_id: str

    @property
    def dead_ms(self) -> int:
        """When it was given up, in milliseconds since 1970."""
        return int(self.letter_id.partition("-")[0])

    @property
    def event(self) -> event_pb2.Event | None:
        """The event, or None if the payload is not one. A replay cannot help then."""
        try:
            return decode(self.payload)
        except PoisonError:
            return None


class DeadLetters:
    """The dead letters of one stream."""

    def __init__(self, redis: "Redis", stream: EventStream) -> None:
        self._redis = redis
        self._keys = (stream.key, stream.dead_key)

    async def bury(self, group: str, entry: Entry, why: str) -> None:
        """Move a group's pending entry to the dead letters. Repeatable."""
        await self._run(_BURY, group, entry.entry_id, PAYLOAD_FIELD, entry.payload, why, MAX_LETTERS)

    async def count(self) -> int:
        """Return the number of dead letters."""
        return int(await self._redis.xlen(self._keys[1]))

    async def last_id(self) -> str | None:
        """Return the id of the newest letter, or None."""
        newest: Any = await self._redis.xrevrange(self._keys[1], count=1)
        return newest[0][0].decode() if newest else None

    async def read(self, first: str = "-", last: str = "+", limit: int | None = None) -> list[DeadLetter]:
        """Return letters from one id to another, oldest first. "(1735689600000-0" begins after that id."""
        found: Any = await self._redis.xrange(self._keys[1], first, last, limit)
        return [_letter(letter_id, fields) for letter_id, fields in found]

    async def replay(self, letter_ids: Sequence[str]) -> int:
        """Move events back to their stream, for all its groups. Returns how many letters still existed."""
        return await self._run(_REPLAY, PAYLOAD_FIELD, *letter_ids)

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Delete letters for good. Returns how many still existed."""
        return int(await self._redis.xdel(self._keys[1], *letter_ids))

    async def _run(self, script: str, *arguments: bytes | str | int) -> int:
        return int(await execute(self._redis, "EVAL", script, len(self._keys), *self._keys, *arguments))


def _letter(letter_id: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    group, why, entry = (fields.get(name, b"").decode() for name in (b"group", b"why", b"entry"))
    return DeadLetter(letter_id.decode(), fields.get(PAYLOAD_FIELD, b""), group, why, entry)
