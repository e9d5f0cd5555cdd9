"""One member of a consumer group: what it reads, and what it takes that was delivered before and never acknowledged.

An event may kill the worker that handles it. Nothing says so, and the events that were in hand beside it are left pending too.
If they were always delivered together, all would be given up together. So an entry that processes have left behind twice by
dying is a *suspect*, to be handled alone. An attempt that fails gives its entry to the member FAILED, so it is no suspect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from meshkit.events.entry import Entry, entries_of
from meshkit.events.stream import EventStream

FAILED = "failed"
"""The name under which entries wait whose attempt has failed. No process has it."""
# One death is most often a restart, which should not make the rest wait for each entry in turn.
SUSPECT_DELIVERIES = 2


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that was delivered this often."""

    entry_id: bytes
    deliveries: int
    is_suspect: bool


class Membership:
    """Reads the new entries of a group for one member, and takes those that must be delivered again."""

    def __init__(self, redis: "Redis", stream: EventStream, group: str, member: str, claim_idle_ms: int) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._member = member
        self._claim_idle_ms = claim_idle_ms

    async def make_group(self) -> None:
        """Make the group if it does not exist. It begins with the oldest entry."""
        try:
            await self._redis.xgroup_create(self._stream.key, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def read(self, count: int, wait_ms: int) -> list[Entry]:
        """Return new entries, at most `count`. Waits until there are some, but not longer than `wait_ms`."""
        streams: Any = {self._stream.key: ">"}
        answer: Any = await self._redis.xreadgroup(self._group, self._member, streams, count=count, block=wait_ms)
        if not answer:
            return []
        batches = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        return [entry for entries in batches for entry in entries_of(entries)]

    async def own(self, first: str, count: int, *, is_restart: bool) -> list[Pending]:
        """Return entries that this member has, from an id on ("(1-0": after it). After a restart there may be suspects."""
        found: Any = await self._redis.xpending_range(self._stream.key, self._group, first, "+", count, self._member)
        return [self._pending(each, has_died=is_restart) for each in found]

    async def overdue(self, count: int) -> list[Pending]:
        """Return entries that any member has had for too long."""
        found: Any = await self._redis.xpending_range(
            self._stream.key, self._group, "-", "+", count, idle=self._claim_idle_ms
        )
        alive = {self._member.encode(), FAILED.encode()}
        return [self._pending(each, has_died=each["consumer"] not in alive) for each in found]

    async def take(self, entry_ids: Sequence[bytes], min_idle_ms: int) -> list[Entry]:
        """Count one more delivery of each, to this member. Those that another member was quicker to take are left out."""
        if not entry_ids:
            return []
        ids: Any = list(entry_ids)
        answer: Any = await self._redis.xclaim(self._stream.key, self._group, self._member, min_idle_ms, ids)
        return entries_of(answer)

    def _pending(self, each: Any, *, has_died: bool) -> Pending:
        deliveries = each["times_delivered"]
        return Pending(each["message_id"], deliveries, has_died and deliveries >= SUSPECT_DELIVERIES)
