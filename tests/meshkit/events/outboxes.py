"""Every kind of outbox store, for the contract suite."""

import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from meshkit.cassandra import Cassandra, CassandraOutbox, outbox_steps, write
from meshkit.events import OutboxRecord, OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS, SqliteOutbox, insert_records
from meshkit.ids import id_millis
from meshkit.sqlite import Database, open_database

_FORMER = "INSERT INTO outbox (minute, shard, event_id, payload) VALUES (?, ?, ?, ?)"
_FORMER_SQLITE, _FORMER_CASSANDRA = _FORMER, write(_FORMER)
_EMPTY = (write("TRUNCATE outbox"), write("TRUNCATE outbox_by_key"))


class WritableOutbox(OutboxStore, Protocol):
    """An outbox, and a way to write to it."""

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records as a service does."""
        ...


class FormerOutbox(Protocol):
    """An outbox of the previous version, and its migration."""

    async def write_formerly(self, records: Sequence[OutboxRecord]) -> None:
        """Write records like the previous version."""
        ...

    async def upgrade(self) -> WritableOutbox:
        """Migrate, and return the current outbox."""
        ...


class _Sqlite(SqliteOutbox):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._written_to = database

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records."""

        def work(connection: sqlite3.Connection) -> None:
            for record in records:
                insert_records(connection, [record], id_millis(record.event_id))

        await self._written_to.write(work)


class _FormerSqlite:
    def __init__(self, folder: Path, stack: contextlib.AsyncExitStack, database: Database) -> None:
        self._folder, self._stack, self._database = folder, stack, database

    async def write_formerly(self, records: Sequence[OutboxRecord]) -> None:
        """Write records in the form of the first migration."""
        rows = [(record.minute, record.shard, record.event_id, record.payload) for record in records]
        await self._database.write(lambda connection: connection.executemany(_FORMER_SQLITE, rows))

    async def upgrade(self) -> WritableOutbox:
        """Open the same file once more, with all migrations."""
        return await self._stack.enter_async_context(open_sqlite(self._folder))


class _Cassandra(CassandraOutbox):
    def __init__(self, cassandra: Cassandra) -> None:
        super().__init__(cassandra)
        self._written_to = cassandra

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records."""
        await self._written_to.execute_batch(*outbox_steps(records))

    async def write_formerly(self, records: Sequence[OutboxRecord]) -> None:
        """Write records into the table of the first migration."""
        for record in records:
            row = (record.minute, record.shard, record.event_id, record.payload)
            await self._written_to.execute(_FORMER_CASSANDRA, *row)

    async def upgrade(self) -> WritableOutbox:
        """Do nothing: both tables exist."""
        return self


@contextlib.asynccontextmanager
async def open_sqlite(folder: Path) -> AsyncIterator[WritableOutbox]:
    """Open an outbox in a file."""
    async with open_database(folder / "outbox.db", MIGRATIONS) as database:
        yield _Sqlite(database)


@contextlib.asynccontextmanager
async def former_sqlite(folder: Path) -> AsyncIterator[FormerOutbox]:
    """Open an outbox in a file to which only the first migration was applied."""
    first = folder / "first"
    first.mkdir()
    shutil.copy(MIGRATIONS / "outbox-0001.sql", first)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(folder / "outbox.db", first))
        yield _FormerSqlite(folder, stack, database)


async def empty_cassandra(keyspace: Cassandra) -> _Cassandra:
    """Return the outbox of a keyspace without records. Its progress stays as it is."""
    for statement in _EMPTY:
        await keyspace.execute(statement)
    return _Cassandra(keyspace)
