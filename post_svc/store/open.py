"""Opens the store that the settings name."""

from contextlib import AbstractAsyncContextManager

from meshkit.opened_store import Opened, open_on_cassandra, open_on_sqlite
from meshkit.service_settings import ServiceSettings
from post_svc.events import published_event
from post_svc.store.port import PostStore


def open_store(settings: ServiceSettings) -> AbstractAsyncContextManager[Opened[PostStore]]:
    """Open the store. Only the module that is used is imported."""
    if settings.store == "cassandra":
        from post_svc.store import cassandra

        return open_on_cassandra(
            settings,
            "post",
            cassandra.MIGRATIONS,
            lambda bridge: cassandra.CassandraPostStore(bridge, published_event),
        )
    from post_svc.store import sqlite

    return open_on_sqlite(settings, "post", sqlite.MIGRATIONS, sqlite.SqlitePostStore)
