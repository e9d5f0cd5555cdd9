"""The stores of media, each with its outbox, opened on their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from media_svc.store.port import MediaStore
from media_svc.store.sqlite import MIGRATIONS, SqliteMediaStore
from meshkit.events.outbox import OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.sqlite import open_database


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and the outbox beside it."""

    media: MediaStore
    outbox: OutboxStore


@contextlib.asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[OpenStore]:
    """Open the store that a service with the same folder has."""
    assert kind == "sqlite"
    async with open_database(folder / "media_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield OpenStore(SqliteMediaStore(database), SqliteOutbox(database))
