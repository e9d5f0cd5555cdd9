"""The outbox in SQLite: writing it in a service's transactions, and reading it for the sweeper."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from meshkit.clocks import local_ms
from meshkit.events.outbox import MINUTE_MS, EventKey, OutboxRecord, with_fresh_ids
from meshkit.ids import first_id, new_id
from meshkit.sqlite import Database

# Services with an outbox apply these in addition to their own.
MIGRATIONS = Path(__file__).parent / "migrations"


def insert_records(
    connection: sqlite3.Connection, records: Sequence[OutboxRecord], now_ms: int | None = None
) -> list[OutboxRecord]:
    """Write events in the caller's transaction and return them with their final ids. Existing ones stay.

    A sweeper seals a minute in a transaction of its own before it reads it for the last time. So whatever the clocks say, and
    however long this transaction takes, no event enters a closed minute.
    """
    now = local_ms() if now_ms is None else now_ms
    sealed_before = connection.execute("SELECT sealed_before FROM outbox_progress").fetchone()[0]
    open_ms = max(now, sealed_before * MINUTE_MS)
    written = [
        record if record.minute >= sealed_before else replace(record, event_id=new_id(open_ms))
        for record in with_fresh_ids(records, now)
    ]
    connection.executemany(
        "INSERT OR IGNORE INTO outbox (minute, shard, event_id, digest, payload) VALUES (?, ?, ?, ?, ?)",
        [(record.minute, record.shard, *record.key, record.payload) for record in written],
    )
    return written


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

    async def seal_outbox(self, before_minute: int) -> None:
        """Seal minutes, in a transaction that orders this against all writes."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE outbox_progress SET sealed_before = max(sealed_before, ?)", (before_minute,)
            )
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

    async def reopen_outbox(self, done_before: int) -> None:
        """Set that minute. Minutes that were sealed too early are open again as well."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE outbox_progress SET done_before = ?, sealed_before = min(sealed_before, ?)",
                (done_before, done_before),
            )
        )

    @property
    def store_name(self) -> str:
        """The path of the file."""
        return self._database.name

    def store_ms(self) -> int | None:
        """Return None: all processes of a file share the machine's clock."""
        return None

    async def purge_outbox(self, before_minute: int) -> None:
        """Delete what a TTL would have deleted. The primary key begins with the minute, so this scans nothing else."""
        first = first_id(before_minute * MINUTE_MS)
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM outbox WHERE minute < ? AND event_id < ?", (before_minute, first)
            )
        )
