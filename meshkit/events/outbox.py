"""The outbox: events in the same store, written in the same transaction, as the change they report."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from meshkit.ids import id_millis, new_id

# A minute's events are sharded, so that no partition takes the whole mesh's writes.
SHARDS = 4
MINUTE_MS = 60_000
# How long an event is kept, handled or not: the store's TTL.
RETENTION_MINUTES = 24 * 60
# A minute that began this many minutes ago may be closed, which is 240 s or more after its last id. The clocks of the writer and
# of the sweeper may be wrong by 60 s each (`meshkit.clocks`), an id may be 10 s old, and a write may take 60 s: no record can
# enter a closed minute.
CLOSING_MINUTES = 5
FRESH_MS = 10_000
WRITE_BOUND_MS = 60_000
# Identifies and orders events: an id and a digest.
EventKey = tuple[int, int]
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One event, ready to be written: a serialized `lensfeed.events.v1.Event` and its id.

    Two of a service's events in the same millisecond may get the same id, so an event is identified by its `key`: the same id and
    the same bytes are the same event, however often it is written or added.
    """

    event_id: int
    payload: bytes

    @property
    def digest(self) -> int:
        """63 bits of the payload's hash; never negative."""
        return int.from_bytes(hashlib.blake2b(self.payload, digest_size=_DIGEST_BYTES).digest()) >> 1

    @property
    def key(self) -> EventKey:
        """Identifies the event in the store and in the stream."""
        return self.event_id, self.digest

    @property
    def minute(self) -> int:
        """The minute of its id, counted from 1970."""
        return id_millis(self.event_id) // MINUTE_MS

    @property
    def shard(self) -> int:
        """Its shard of that minute."""
        return self.event_id % SHARDS


def with_fresh_ids(records: Sequence[OutboxRecord], now_ms: int) -> list[OutboxRecord]:
    """Return records as they must be written now: an id that was not taken just now is replaced."""
    return [
        record if abs(now_ms - id_millis(record.event_id)) <= FRESH_MS else replace(record, event_id=new_id(now_ms))
        for record in records
    ]


def before(event_id: int) -> EventKey:
    """Return a key below all keys with this id and above all keys with lower ids."""
    return event_id, -1


# Below every key.
BEFORE_ALL = before(-1)


class OutboxStore(Protocol):
    """What the sweeper needs from a store. Services write records in their own transactions."""

    async def read_outbox(self, minute: int, shard: int, after: EventKey, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records with keys above `after`, ascending, at most `limit`."""
        ...

    async def seal_outbox(self, before_minute: int) -> None:
        """Keep later writes out of minutes before `before_minute`, where a store can. Others rely on the bounds above."""
        ...

    async def outbox_done_before(self) -> int:
        """Return the minute before which every group has handled every event; 0 at first."""
        ...

    async def set_outbox_done_before(self, minute: int) -> None:
        """Move that minute on. It never moves back."""
        ...

    async def reopen_outbox(self, done_before: int) -> None:
        """Set that minute to any value, because a wrong clock has moved it too far."""
        ...

    @property
    def store_name(self) -> str:
        """The file or keyspace, which tells stores of one kind of service apart."""
        ...

    def store_ms(self) -> int | None:
        """Return the time by the store's own clock, in milliseconds since 1970; None if it has none."""
        ...

    async def purge_outbox(self, before_minute: int) -> None:
        """Delete records of minutes before `before_minute`. A store with a TTL need not do anything."""
        ...
