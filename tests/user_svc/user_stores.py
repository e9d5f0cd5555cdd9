"""Opens a store of each kind, empty or as it was left."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from meshkit.events.outbox import SHARDS, OutboxRecord, OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.sqlite import open_database
from user_svc.store import UserStore
from user_svc.store.sqlite import MIGRATIONS, SqliteUserStore


@dataclass(frozen=True, slots=True)
class Opened:
    """A store and the outbox that lies in it."""

    store: UserStore
    outbox: OutboxStore

    async def records_of(self, minute: int) -> list[OutboxRecord]:
        """Return the events of a minute."""
        return [record for shard in range(SHARDS) for record in await self.outbox.read_outbox(minute, shard, -1, 100)]


@contextlib.asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[Opened]:
    """Open the store that lies in a folder."""
    assert kind == "sqlite"
    async with open_database(folder / "user_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield Opened(SqliteUserStore(database), SqliteOutbox(database))
