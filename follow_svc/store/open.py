"""Opens the store that the settings name."""

import contextlib
from collections.abc import AsyncIterator

from follow_svc.model import FOLLOWER_BUCKET_SIZE
from follow_svc.store.port import FollowStore
from follow_svc.store.recount_port import RecountStore
from meshkit.opened_store import Opened, open_on_cassandra, open_on_sqlite
from meshkit.service_settings import ServiceSettings


@contextlib.asynccontextmanager
async def open_store(
    settings: ServiceSettings, bucket_size: int = FOLLOWER_BUCKET_SIZE
) -> AsyncIterator[Opened[FollowStore]]:
    """Open the graph's store. `bucket_size` applies to new followers."""
    if settings.store == "cassandra":
        from follow_svc.store import cassandra

        async with open_on_cassandra(
            settings, "follow", cassandra.MIGRATIONS, lambda bridge: cassandra.CassandraFollowStore(bridge, bucket_size)
        ) as opened:
            try:
                yield Opened(*opened)
            finally:
                await opened.store.drain()
    else:
        from follow_svc.store import sqlite

        async with open_on_sqlite(
            settings, "follow", sqlite.MIGRATIONS, lambda database: sqlite.SqliteFollowStore(database, bucket_size)
        ) as opened_file:
            yield Opened(*opened_file)


@contextlib.asynccontextmanager
async def open_recount(settings: ServiceSettings) -> AsyncIterator[tuple[FollowStore, RecountStore]]:
    """Open the graph in Cassandra for a recount."""
    from follow_svc.store import cassandra
    from follow_svc.store.cassandra_recount import CassandraRecountStore
    from meshkit.cassandra import open_cassandra
    from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS

    async with open_cassandra(settings, "follow", cassandra.MIGRATIONS, OUTBOX_MIGRATIONS) as bridge:
        follows = cassandra.CassandraFollowStore(bridge)
        yield follows, CassandraRecountStore(bridge, follows)
