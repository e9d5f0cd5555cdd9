"""Opening the store that the settings name."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from media_svc.store.port import MediaStore
from meshkit.events.outbox import OutboxStore
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings


class Opened(NamedTuple):
    """A store, the outbox beside it, and the health check of both."""

    store: MediaStore
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
    from media_svc.store.sqlite import MIGRATIONS, SqliteMediaStore
    from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from meshkit.events.sqlite_outbox import SqliteOutbox
    from meshkit.sqlite import open_database

    async with open_database(settings.sqlite_dir / "media_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield Opened(SqliteMediaStore(database), SqliteOutbox(database), database.check)


@contextlib.asynccontextmanager
async def _open_cassandra(settings: ServiceSettings) -> AsyncIterator[Opened]:
    from media_svc.store.cassandra import MIGRATIONS, CassandraMediaStore
    from meshkit.cassandra import CassandraOutbox, open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS

    async with open_cassandra(settings, "media", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        yield Opened(CassandraMediaStore(cassandra), CassandraOutbox(cassandra), cassandra.check)
