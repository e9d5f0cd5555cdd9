"""The stores of media, each with its outbox."""

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import stamina

from media_svc.store import open as stores
from media_svc.store.cassandra import MIGRATIONS
from media_svc.store.port import MediaStore
from media_svc.store.sqlite import MIGRATIONS as SQLITE_MIGRATIONS
from meshkit.cassandra import Cassandra, open_cassandra, write
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxStore
from meshkit.events.sqlite_outbox import MIGRATIONS as SQLITE_OUTBOX
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings
from meshkit.sqlite import open_database

# Each test session has its own keyspace.
KEYSPACE_PREFIX = f"test_{secrets.token_hex(4)}"
# Far more than any statement here takes; the schema takes seconds.
PATIENCE_SECONDS = 120
_FORGET = [write(f"TRUNCATE {table}") for table in ("uploads_by_minute", "uploads_progress")]
_NO_PROGRESS = write(
    "INSERT INTO uploads_progress (id, done_before) VALUES (0, toUnixTimestamp(now()) / 60000) USING TIMESTAMP 1"
)


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and its outbox."""

    media: MediaStore
    outbox: OutboxStore


def store_settings(contact_points: str | None, folder: Path) -> ServiceSettings:
    """Return the settings of a store in a cluster or a folder."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=folder)
    return ServiceSettings(
        store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=KEYSPACE_PREFIX
    )


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open the store of a service with the same settings."""
    async with stores.open_store(settings) as opened:
        await until_it_answers(opened.check)
        yield OpenStore(opened.store, opened.outbox)


@contextlib.asynccontextmanager
async def open_keyspace(contact_points: str) -> AsyncIterator[Cassandra]:
    """Open the keyspace of these tests, with its tables."""
    settings = store_settings(contact_points, Path())
    async with open_cassandra(settings, "media", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        await until_it_answers(cassandra.check)
        yield cassandra


async def forget_plans(settings: ServiceSettings, cassandra: Cassandra | None) -> None:
    """Delete all planned checks, and reset the sweepers' progress to now."""
    if cassandra is not None:
        await asyncio.gather(*(cassandra.execute(statement) for statement in _FORGET))
        await cassandra.execute(_NO_PROGRESS)
        return
    async with open_database(settings.sqlite_dir / "media_svc.db", SQLITE_MIGRATIONS, SQLITE_OUTBOX) as database:
        await database.write(_forget)


def _forget(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM uploads_by_minute")
    connection.execute("UPDATE uploads_progress SET done_before = CAST(strftime('%s', 'now') AS INTEGER) / 60")


async def until_it_answers(check: Check) -> None:
    """Wait until a store answers: connecting happens in the background."""
    async for attempt in stamina.retry_context(
        on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_initial=0.02, wait_max=0.2
    ):
        with attempt:
            await check()
