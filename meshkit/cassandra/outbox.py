"""The outbox in Cassandra: writing it in a service's batches, and reading it for the sweeper."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from meshkit.cassandra.bridge import Cassandra
from meshkit.cassandra.statements import Step, sure_read, write
from meshkit.events.outbox import WRITE_BOUND_MS, EventKey, OutboxRecord, with_fresh_ids
from meshkit.ids import id_millis

# Services with an outbox apply these in addition to their own.
MIGRATIONS = Path(__file__).parent / "migrations"
_INSERT = write("INSERT INTO outbox_by_key (minute, shard, event_id, digest, payload) VALUES (?, ?, ?, ?, ?)")
# At the consistency of writes, because a minute is closed based on these.
_READ = sure_read(
    "SELECT event_id, payload FROM outbox_by_key WHERE minute = ? AND shard = ? AND (event_id, digest) > (?, ?) LIMIT ?"
)
# The previous version's table. Its processes write to it while both versions run, and may leave events unsent.
_READ_FORMER = sure_read(
    "SELECT event_id, payload FROM outbox WHERE minute = ? AND shard = ? AND event_id >= ? LIMIT ?"
)
_PROGRESS = sure_read("SELECT done_before, generation FROM outbox_progress WHERE id = 0 LIMIT 1")
# Generation and minute are the write time, so the minute only moves back with a new generation, whoever writes last.
_SET_PROGRESS = write("INSERT INTO outbox_progress (id, done_before, generation) VALUES (0, ?, ?) USING TIMESTAMP ?")
_GENERATION_BITS = 32


async def write_with_events(cassandra: Cassandra, steps: Sequence[Step], records: Sequence[OutboxRecord]) -> None:
    """Write steps and events in one logged batch. Repeatable.

    Event ids that were not taken just now are replaced. If the write takes so long that a sweeper may have closed the events'
    minute, they are written again, so that this never returns before every event is in an open minute.
    """
    written = with_fresh_ids(records, cassandra.now_ms())
    batch = [*steps, *outbox_steps(written)]
    while batch:
        await cassandra.execute_batch(*batch)
        oldest = cassandra.now_ms() - WRITE_BOUND_MS
        late = [record for record in written if id_millis(record.event_id) < oldest]
        written = with_fresh_ids(late, cassandra.now_ms())
        batch = outbox_steps(written)


def outbox_steps(records: Sequence[OutboxRecord]) -> list[Step]:
    """Return the steps that write events under the ids they have. Services use `write_with_events`."""
    return [(_INSERT, (record.minute, record.shard, *record.key, record.payload)) for record in records]


def kept_events(records: Sequence[OutboxRecord]) -> dict[int, bytes]:
    """Return events as a map column that keeps them in a row until they are in the outbox.

    If two events have the same id, the second one gets the next id.
    """
    kept: dict[int, bytes] = {}
    for record in records:
        event_id = record.event_id
        while event_id in kept:
            event_id += 1
        kept[event_id] = record.payload
    return kept


def records_of(kept: Mapping[int, bytes] | None) -> list[OutboxRecord]:
    """Return the events of a map column. An empty one is read as None."""
    return [OutboxRecord(*event) for event in (kept or {}).items()]


class CassandraOutbox:
    """OutboxStore over a service's own keyspace. Rows expire by the table's TTL."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read_outbox(self, minute: int, shard: int, after: EventKey, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records above a key, ascending."""
        # The previous table may return one record with the id itself, so read one more.
        rows, former = await asyncio.gather(
            self._cassandra.execute(_READ, minute, shard, *after, limit),
            self._cassandra.execute(_READ_FORMER, minute, shard, after[0], limit + 1),
        )
        records = {record.key: record for record in (OutboxRecord(*row) for row in (*former, *rows))}
        return [records[key] for key in sorted(records) if key > after][:limit]

    async def seal_outbox(self, before_minute: int) -> None:
        """Do nothing: `write_with_events` keeps to the bounds."""

    async def outbox_done_before(self) -> int:
        """Return the minute before which everything is handled."""
        return (await self._progress())[0]

    async def set_outbox_done_before(self, minute: int) -> None:
        """Move that minute on."""
        _, generation = await self._progress()
        await self._set_progress(minute, generation)

    async def reopen_outbox(self, done_before: int) -> None:
        """Set that minute, in a new generation."""
        _, generation = await self._progress()
        await self._set_progress(done_before, generation + 1)

    @property
    def store_name(self) -> str:
        """The keyspace."""
        return self._cassandra.name

    def store_ms(self) -> int | None:
        """Return the time by the clocks of the cluster's nodes."""
        return self._cassandra.now_ms()

    async def _progress(self) -> tuple[int, int]:
        rows = await self._cassandra.execute(_PROGRESS)
        return (int(rows[0][0] or 0), int(rows[0][1] or 0)) if rows else (0, 0)

    async def _set_progress(self, minute: int, generation: int) -> None:
        at = (generation << _GENERATION_BITS) | max(minute, 1)
        await self._cassandra.execute(_SET_PROGRESS, minute, generation, at)

    async def purge_outbox(self, before_minute: int) -> None:
        """Do nothing: records expire."""
