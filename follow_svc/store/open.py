"""Opening the store that the settings name."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from follow_svc.model import FOLLOWER_BUCKET_SIZE
from follow_svc.store.port import FollowStore
from follow_svc.store.recount_port import RecountStore
from meshkit.events import OutboxStore
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Opened:
    """A store, the outbox that it writes its events to, and what tells whether it answers."""

    store: FollowStore
    outbox: OutboxStore
    check: Check


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings, bucket_size: int = FOLLOWER_BUCKET_SIZE) -> AsyncIterator[Opened]:
    """Open the graph's store; `bucket_size` is for followers to come."""
    opening = _open_cassandra if settings.store == "cassandra" else _open_sqlite
    async with opening(settings, bucket_size) as opened:
        yield opened


@contextlib.asynccontextmanager
async def open_recount(settings: ServiceSettings) -> AsyncIterator[tuple[FollowStore, RecountStore]]:
    """Open the graph in Cassandra for a recount, which must not take what a lagging replica says for the truth."""
    from follow_svc.store.cassandra import MIGRATIONS, CassandraFollowStore
    from follow_svc.store.cassandra_recount import CassandraRecountStore
    from meshkit.cassandra import open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS

    quorum = settings.model_copy(update={"cassandra_read_consistency": settings.cassandra_write_consistency})
    async with open_cassandra(quorum, "follow", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        follows = CassandraFollowStore(cassandra)
        yield follows, CassandraRecountStore(cassandra, follows)


@contextlib.asynccontextmanager
async def _open_sqlite(settings: ServiceSettings, bucket_size: int) -> AsyncIterator[Opened]:
    from follow_svc.store.sqlite import MIGRATIONS, SqliteFollowStore
    from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
    from meshkit.events.sqlite_outbox import SqliteOutbox
    from meshkit.sqlite import open_database

    async with open_database(settings.sqlite_dir / "follow_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield Opened(SqliteFollowStore(database, bucket_size), SqliteOutbox(database), database.check)


@contextlib.asynccontextmanager
async def _open_cassandra(settings: ServiceSettings, bucket_size: int) -> AsyncIterator[Opened]:
    from follow_svc.store.cassandra import MIGRATIONS, CassandraFollowStore
    from meshkit.cassandra import CassandraOutbox, open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS

    async with open_cassandra(settings, "follow", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        store = CassandraFollowStore(cassandra, bucket_size)
        try:
            yield Opened(store, CassandraOutbox(cassandra), cassandra.check)
        finally:
            await store.drain()
