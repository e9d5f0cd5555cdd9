"""The stores of posts, each with its outbox, opened on their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from meshkit.events.outbox import OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.sqlite import open_database
from post_svc.store import PostStore
from post_svc.store.sqlite import MIGRATIONS, SqlitePostStore


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and the outbox beside it."""

    posts: PostStore
    outbox: OutboxStore


@contextlib.asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[OpenStore]:
    """Open the store that a service with the same folder has."""
    assert kind == "sqlite"
    async with open_database(folder / "post_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield OpenStore(SqlitePostStore(database), SqliteOutbox(database))
