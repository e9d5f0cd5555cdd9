"""Opens the store that the settings choose. Each kind imports its own driver, when it is chosen."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from meshkit.events import OutboxStore
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings
from user_svc.store.port import UserStore


class Opened(NamedTuple):
    """A store, the outbox that lies in it, and its health check, which raises while it does not answer."""

    store: UserStore
    outbox: OutboxStore
    check: Check


def open_store(settings: ServiceSettings) -> contextlib.AbstractAsyncContextManager[Opened]:
    """Open the store of `settings.store`."""
    return _open_cassandra(settings) if settings.store == "cassandra" else _open_sqlite(settings)


@contextlib.asynccontextmanager
async def _open_sqlite(settings: ServiceSettings) -> AsyncIterator[Opened]:
    from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from meshkit.events.sqlite_outbox import SqliteOutbox
    from meshkit.sqlite import open_database
    from user_svc.store.sqlite import MIGRATIONS, SqliteUserStore

    async with open_database(settings.sqlite_dir / "user_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield Opened(SqliteUserStore(database), SqliteOutbox(database), database.check)


@contextlib.asynccontextmanager
async def _open_cassandra(settings: ServiceSettings) -> AsyncIterator[Opened]:
    from meshkit.cassandra import CassandraOutbox, open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from user_svc.store.cassandra import MIGRATIONS, CassandraUserStore

    async with open_cassandra(settings, "user", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        yield Opened(CassandraUserStore(cassandra), CassandraOutbox(cassandra), cassandra.check)
