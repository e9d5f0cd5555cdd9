"""Opens a service's store and the outbox in it, on SQLite or Cassandra.

Imports happen when a store is opened, because the Cassandra driver takes memory and time to import.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from meshkit.events import OutboxStore
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings

if TYPE_CHECKING:
    from meshkit.cassandra import Cassandra
    from meshkit.sqlite import Database

S = TypeVar("S")


class Opened(NamedTuple, Generic[S]):
    """A store, its outbox, and the health check of both."""

    store: S
    outbox: OutboxStore
    check: Check


def migration(
    open_store: Callable[[ServiceSettings], AbstractAsyncContextManager[object]],
) -> Callable[[], Awaitable[None]]:
    """Make the command `migrate` of a service, which opens its store."""

    async def migrate() -> None:
        """Create or update the tables, then end. Every process does this at its start; a deployment may do it before."""
        async with open_store(ServiceSettings.load()):
            pass

    return migrate


@contextlib.asynccontextmanager
async def open_on_sqlite(
    settings: ServiceSettings, service: str, migrations: Path, make: "Callable[[Database], S]"
) -> AsyncIterator[Opened[S]]:
    """Open the store of a service (`user`, `post`, …) in its own file."""
    from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from meshkit.events.sqlite_outbox import SqliteOutbox
    from meshkit.sqlite import open_database

    async with open_database(settings.sqlite_dir / f"{service}_svc.db", migrations, OUTBOX_MIGRATIONS) as database:
        yield Opened(make(database), SqliteOutbox(database), database.check)


@contextlib.asynccontextmanager
async def open_on_cassandra(
    settings: ServiceSettings, service: str, migrations: Path, make: "Callable[[Cassandra], S]"
) -> AsyncIterator[Opened[S]]:
    """Open the store of a service (`user`, `post`, …) in its own keyspace."""
    from meshkit.cassandra import CassandraOutbox, open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS

    async with open_cassandra(settings, service, migrations, OUTBOX_MIGRATIONS) as cassandra:
        yield Opened(make(cassandra), CassandraOutbox(cassandra), cassandra.check)
