"""Every kind of outbox store, for the contract suite."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from meshkit.cassandra import Cassandra, CassandraOutbox, outbox_steps, write
from meshkit.events import OutboxRecord, OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS, SqliteOutbox, insert_records
from meshkit.sqlite import Database, open_database

_EMPTY = (write("TRUNCATE outbox"), write("TRUNCATE outbox_by_key"))


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


class _Cassandra(CassandraOutbox):
    def __init__(self, cassandra: Cassandra) -> None:
        super().__init__(cassandra)
        self._written_to = cassandra

    async def write(self, records: Sequence[OutboxRecord]) -> None:
        """Write records."""
        await self._written_to.execute_batch(*outbox_steps(records))


@contextlib.asynccontextmanager
async def open_sqlite(folder: Path) -> AsyncIterator[WritableOutbox]:
    """Open an outbox in a file."""
    async with open_database(folder / "outbox.db", MIGRATIONS) as database:
        yield _Sqlite(database)


async def empty_cassandra(keyspace: Cassandra) -> WritableOutbox:
    """Return the outbox of a keyspace, emptied of its records; progress has gone as far as it has."""
    for statement in _EMPTY:
        await keyspace.execute(statement)
    return _Cassandra(keyspace)
