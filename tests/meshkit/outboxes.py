"""Every kind of outbox store, for the contract suite."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from meshkit.events import OutboxRecord, OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS, SqliteOutbox, insert_records
from meshkit.sqlite import Database, open_database


class WritableOutbox(OutboxStore, Protocol):
    """An outbox, and the part of a service's write that fills it."""

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records as a service does."""
        ...


class _Sqlite(SqliteOutbox):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._written_to = database

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records."""
        await self._written_to.write(lambda connection: insert_records(connection, records))


@contextlib.asynccontextmanager
async def open_kind(kind: str, folder: Path) -> AsyncIterator[WritableOutbox]:
    """Open an empty outbox of a kind."""
    if kind != "sqlite":
        raise NotImplementedError(f"no outbox is known for the store {kind!r}")
    async with open_database(folder / "outbox.db", MIGRATIONS) as database:
        yield _Sqlite(database)
