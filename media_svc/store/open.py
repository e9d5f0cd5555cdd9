"""Open the store that the settings choose."""

from contextlib import AbstractAsyncContextManager

from media_svc.store.port import MediaStore
from meshkit import opened_store
from meshkit.service_settings import ServiceSettings

Opened = opened_store.Opened[MediaStore]


def open_store(settings: ServiceSettings) -> AbstractAsyncContextManager[Opened]:
    """Open the store. Only the chosen kind is imported."""
    if settings.store == "cassandra":
        from media_svc.store import cassandra

        return opened_store.open_on_cassandra(settings, "media", cassandra.MIGRATIONS, cassandra.CassandraMediaStore)
    from media_svc.store import sqlite

    return opened_store.open_on_sqlite(settings, "media", sqlite.MIGRATIONS, sqlite.SqliteMediaStore)
