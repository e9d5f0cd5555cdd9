"""A real follow_svc for the tests of services that ask it who sees whom. It knows every id as an account."""

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from follow_svc import app
from follow_svc.settings import FollowSettings
from follow_svc.sight import MAX_BLOCKS
from follow_svc.store.port import FollowStore
from follow_svc.store.sqlite import SqliteFollowStore
from meshkit.grpc.server import running
from meshkit.sqlite import Database, open_database

# Nothing listens there.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class ServedSights:
    """Where it serves, and its store."""

    address: str
    inside: Database

    @property
    def store(self) -> FollowStore:
        """The graph."""
        return SqliteFollowStore(self.inside)

    async def block(self, user_id: int, other_id: int) -> None:
        """Make an account block another."""
        assert await self.store.block(user_id, other_id, time.time_ns() // 1_000_000, MAX_BLOCKS, [])

    async def unblock(self, user_id: int, other_id: int) -> None:
        """End a block."""
        assert await self.store.unblock(user_id, other_id)

    async def make_private(self, user_id: int) -> None:
        """Make an account private."""
        await self.inside.write(partial(_make_private, user_id=user_id))


def _make_private(connection: sqlite3.Connection, *, user_id: int) -> None:
    connection.execute("INSERT INTO standings (user_id, visibility) VALUES (?, 'private')", (user_id,))


@contextlib.asynccontextmanager
async def serving_sights(folder: Path, redis_url: str) -> AsyncIterator[ServedSights]:
    """Run it on SQLite."""
    settings = FollowSettings(
        sqlite_dir=folder, redis_url=redis_url, user_addr=NOWHERE, cursor_keys=SecretStr("a secret of the tests")
    )
    async with (
        app.serving_process(settings) as process,
        running(process, settings) as address,
        open_database(folder / "follow_svc.db") as database,
    ):
        yield ServedSights(address, database)
