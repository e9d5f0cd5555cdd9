"""The outbox in Cassandra: steps for a service's own batches, and the sweeper's side."""

from collections.abc import Sequence
from pathlib import Path

from meshkit.cassandra.bridge import Cassandra
from meshkit.cassandra.statements import Step, read, sure_read, write
from meshkit.events.outbox import OutboxRecord

# A service with an outbox applies these beside its own.
MIGRATIONS = Path(__file__).parent / "migrations"
_INSERT = write("INSERT INTO outbox (minute, shard, event_id, payload) VALUES (?, ?, ?, ?)")
# At the consistency of writes: a minute is closed on what this finds.
_READ = sure_read("SELECT event_id, payload FROM outbox WHERE minute = ? AND shard = ? AND event_id > ? LIMIT ?")
_PROGRESS = read("SELECT done_before FROM outbox_progress WHERE id = 0 LIMIT 1")
# Written with its own value as the write time, so that it never moves back, whoever writes last.
_SET_PROGRESS = write("INSERT INTO outbox_progress (id, done_before) VALUES (0, ?) USING TIMESTAMP ?")


def outbox_steps(records: Sequence[OutboxRecord]) -> list[Step]:
    """Return the steps that write events in the caller's batch."""
    return [(_INSERT, (record.minute, record.shard, record.event_id, record.payload)) for record in records]


class CassandraOutbox:
    """OutboxStore over a service's own keyspace. Rows go by the table's TTL."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read_outbox(self, minute: int, shard: int, after_id: int, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records above an id, ascending."""
        rows = await self._cassandra.execute(_READ, minute, shard, after_id, limit)
        return [OutboxRecord(*row) for row in rows]

    async def outbox_done_before(self) -> int:
        """Return the minute before which all is done."""
        rows = await self._cassandra.execute(_PROGRESS)
        return int(rows[0][0]) if rows else 0

    async def set_outbox_done_before(self, minute: int) -> None:
        """Move that minute on."""
        await self._cassandra.execute(_SET_PROGRESS, minute, minute)

    async def purge_outbox(self, before_minute: int) -> None:
        """Do nothing: the TTL does."""
