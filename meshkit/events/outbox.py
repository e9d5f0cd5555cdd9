"""The outbox: events that stand in the same store, and are written in the same transaction, as what they tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from meshkit.ids import id_millis

# A minute's events are split so that no partition grows with the whole mesh's writes.
SHARDS = 4
MINUTE_MS = 60_000
# How long an event is kept, done or not; the store's TTL.
RETENTION_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One event, ready to be written: a serialized `lensfeed.events.v1.Event` and its id."""

    event_id: int
    payload: bytes

    @property
    def minute(self) -> int:
        """The minute since 1970 in which it happened."""
        return id_millis(self.event_id) // MINUTE_MS

    @property
    def shard(self) -> int:
        """Its part of that minute."""
        return self.event_id % SHARDS


class OutboxStore(Protocol):
    """What the sweeper needs of a store. Records get in through the service's own writes."""

    async def read_outbox(self, minute: int, shard: int, after_id: int, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records with ids above `after_id`, ascending, at most `limit`."""
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
