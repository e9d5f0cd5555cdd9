"""Opening the store that the settings name."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from meshkit.events.outbox import OutboxStore
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings
from post_svc.store.port import PostStore


class Opened(NamedTuple):
    """A store, the outbox beside it, and the health check of both."""

    store: PostStore
    outbox: OutboxStore
    check: Check


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[Opened]:
    """Open a store. Only the one that is used is imported: the driver of Cassandra takes memory and time."""
    opening = _open_sqlite(settings) if settings.store == "sqlite" else _open_cassandra(settings)
    async with opening as opened:
        yield opened


@contextlib.asynccontextmanager
async def _open_sqlite(settings: ServiceSettings) -> AsyncIterator[Opened]:
    from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from meshkit.events.sqlite_outbox import SqliteOutbox
    from meshkit.sqlite import open_database
    from post_svc.store.sqlite import MIGRATIONS, SqlitePostStore

    async with open_database(settings.sqlite_dir / "post_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield Opened(SqlitePostStore(database), SqliteOutbox(database), database.check)


@contextlib.asynccontextmanager
async def _open_cassandra(settings: ServiceSettings) -> AsyncIterator[Opened]:
    from meshkit.cassandra import CassandraOutbox, open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from post_svc.store.cassandra import MIGRATIONS, CassandraPostStore

    async with open_cassandra(settings, "post", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        yield Opened(CassandraPostStore(cassandra), CassandraOutbox(cassandra), cassandra.check)
