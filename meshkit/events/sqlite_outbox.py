"""The outbox in SQLite: writing it in a service's transactions, and reading it for the sweeper."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from meshkit.events.outbox import MINUTE_MS, EventKey, OutboxRecord
from meshkit.ids import first_id
from meshkit.sqlite import Database

# Services with an outbox apply these in addition to their own.
MIGRATIONS = Path(__file__).parent / "migrations"


def insert_records(connection: sqlite3.Connection, records: Sequence[OutboxRecord]) -> None:
    """Write events in the caller's transaction. Existing ones stay."""
    connection.executemany(
        "INSERT OR IGNORE INTO outbox (minute, shard, event_id, digest, payload) VALUES (?, ?, ?, ?, ?)",
        [(record.minute, record.shard, *record.key, record.payload) for record in records],
    )


class SqliteOutbox:
    """OutboxStore over a service's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_outbox(self, minute: int, shard: int, after: EventKey, limit: int) -> Sequence[OutboxRecord]:
        """Return a bucket's records above a key, ascending."""
        return await self._database.read(
            lambda connection: [
                OutboxRecord(*row)
                for row in connection.execute(
                    "SELECT event_id, payload FROM outbox WHERE minute = ? AND shard = ? AND (event_id, digest) > (?, ?)"
                    " ORDER BY event_id, digest LIMIT ?",
                    (minute, shard, *after, limit),
                )
            ]
        )

    async def outbox_done_before(self) -> int:
        """Return the minute before which everything is handled."""
        return await self._database.read(
            lambda connection: int(connection.execute("SELECT done_before FROM outbox_progress").fetchone()[0])
        )

    async def set_outbox_done_before(self, minute: int) -> None:
        """Move that minute on."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE outbox_progress SET done_before = max(done_before, ?)", (minute,)
            )
        )

    async def purge_outbox(self, before_minute: int) -> None:
        """Delete what a TTL would have deleted. The primary key begins with the minute, so this scans nothing else."""
        first = first_id(before_minute * MINUTE_MS)
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM outbox WHERE minute < ? AND event_id < ?", (before_minute, first)
            )
        )
