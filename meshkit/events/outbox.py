"""The outbox: events that stand in the same store, and are written in the same transaction, as what they tell."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from meshkit.ids import id_millis

# A minute's events are split so that no partition grows with the whole mesh's writes.
SHARDS = 4
MINUTE_MS = 60_000
# How long an event is kept, done or not; the store's TTL.
RETENTION_MINUTES = 24 * 60
# What tells events apart, and orders them: an id and a digest.
EventKey = tuple[int, int]
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One event, ready to be written: a serialized `lensfeed.events.v1.Event` and its id.

    Many events of a service share a millisecond, so that two may get one id. What tells them apart is `key`: the same id and the
    same bytes are the same event, however often it is written or added.
    """

    event_id: int
    payload: bytes

    @property
    def digest(self) -> int:
        """63 bits that follow from its payload; never negative."""
        return int.from_bytes(hashlib.blake2b(self.payload, digest_size=_DIGEST_BYTES).digest()) >> 1

    @property
    def key(self) -> EventKey:
        """What it is known by, in the store and in the stream."""
        return self.event_id, self.digest

    @property
    def minute(self) -> int:
        """The minute since 1970 in which it happened."""
        return id_millis(self.event_id) // MINUTE_MS

    @property
    def shard(self) -> int:
        """Its part of that minute."""
        return self.event_id % SHARDS


def before(event_id: int) -> EventKey:
    """Return a key that is below those of all events of an id, and above those of all lower ids."""
    return event_id, -1


# Below every key.
BEFORE_ALL = before(-1)


class OutboxStore(Protocol):
    """What the sweeper needs of a store. Records get in through the service's own writes."""

    async def read_outbox(self, minute: int, shard: int, after: EventKey, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records with keys above `after`, ascending, at most `limit`."""
        ...

    async def outbox_done_before(self) -> int:
        """Return the minute before which every event is known to be done by every consumer; 0 at first."""
        ...

    async def set_outbox_done_before(self, minute: int) -> None:
        """Move that minute on. It never moves back."""
        ...

    async def purge_outbox(self, before_minute: int) -> None:
        """Drop records of minutes before `before_minute`. A store with a TTL need not do anything."""
        ...
