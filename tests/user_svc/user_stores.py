"""Opens stores of each kind on real files and on a real cluster."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from meshkit.cassandra import Cassandra, open_cassandra, read, write
from meshkit.errors import UnavailableError
from meshkit.events.outbox import BEFORE_ALL, SHARDS, OutboxRecord, OutboxStore
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings
from user_svc.session import Rotation
from user_svc.store import UserStore
from user_svc.store import open as stores

# Each test session has two keyspaces of its own, so that emptying tables never affects a running service.
STORE_PREFIX, SERVED_PREFIX = (f"test_{secrets.token_hex(4)}_{use}" for use in ("store", "served"))
_TABLES = ("users", "handles", "sessions", "sessions_by_user", "idempotency")
_EMPTY = [write(f"TRUNCATE {table}") for table in (*_TABLES, "outbox_by_key")]
_EVERYTHING = [read(f"SELECT * FROM {table}") for table in _TABLES]  # noqa: S608 - our own names
# Far longer than creating a schema takes.
PATIENCE_SECONDS = 60


def rotation(old: bytes, new: bytes, expires_at: int, used_at: int = 1_000) -> Rotation:
    """Return a rotation from one turn to another."""
    return Rotation(old, new, b"salt", used_at, expires_at)


@dataclass(frozen=True, slots=True)
class Opened:
    """A store and its outbox."""

    store: UserStore
    outbox: OutboxStore

    async def records_of(self, minute: int) -> list[OutboxRecord]:
        """Return the events of a minute."""
        return [
            record
            for shard in range(SHARDS)
            for record in await self.outbox.read_outbox(minute, shard, BEFORE_ALL, 100)
        ]


def store_settings(contact_points: str | None, folder: Path, prefix: str = STORE_PREFIX) -> ServiceSettings:
    """Return the settings of a store in a cluster or a folder."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=folder)
    return ServiceSettings(store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=prefix)


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[Opened]:
    """Open the store of a service with the same settings."""
    async with stores.open_store(settings) as (store, outbox, check):
        await until_it_answers(check)
        yield Opened(store, outbox)


async def until_it_answers(check: Check) -> None:
    """Wait until a store answers. Connecting to a cluster happens in the background."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await check()
            except UnavailableError:
                await asyncio.sleep(0.02)


async def empty(cassandra: Cassandra) -> None:
    """Delete all accounts and sessions."""
    await asyncio.gather(*(cassandra.execute(statement) for statement in _EMPTY))


async def everything_in(settings: ServiceSettings) -> bytes:
    """Return all bytes that a store holds."""
    if settings.store == "sqlite":
        return b"".join(each.read_bytes() for each in settings.sqlite_dir.glob("user_svc.db*"))
    async with open_cassandra(settings, "user") as cassandra:
        await until_it_answers(cassandra.check)
        tables = [await cassandra.execute(statement) for statement in _EVERYTHING]
    return b" ".join(
        each if isinstance(each, bytes) else str(each).encode() for rows in tables for row in rows for each in row
    )
