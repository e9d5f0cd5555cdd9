"""Opens the store that the settings name."""

from contextlib import AbstractAsyncContextManager

from meshkit.opened_store import Opened, open_on_cassandra, open_on_sqlite
from meshkit.service_settings import ServiceSettings
from user_svc.store.port import UserStore


def open_store(settings: ServiceSettings) -> AbstractAsyncContextManager[Opened[UserStore]]:
    """Open the store. Only the module that is used is imported."""
    if settings.store == "cassandra":
        from user_svc.store import cassandra

        return open_on_cassandra(settings, "user", cassandra.MIGRATIONS, cassandra.CassandraUserStore)
    from user_svc.store import sqlite

    return open_on_sqlite(settings, "user", sqlite.MIGRATIONS, sqlite.SqliteUserStore)
