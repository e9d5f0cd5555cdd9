"""The stores of media, each with its outbox, opened on their own."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import stamina

from media_svc.store import open as stores
from media_svc.store.cassandra import MIGRATIONS
from media_svc.store.port import MediaStore
from meshkit.cassandra import Cassandra, open_cassandra, write
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxStore
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings

# Each session of tests has a keyspace of its own, and each test finds it empty.
KEYSPACE_PREFIX = f"test_{secrets.token_hex(4)}"
# Far beyond what anything here takes: a schema is made in seconds.
PATIENCE_SECONDS = 120
_EMPTY = [write(f"TRUNCATE {table}") for table in ("media", "uploads_by_minute", "uploads_progress", "outbox")]
_NO_PROGRESS = write(
    "INSERT INTO uploads_progress (id, done_before) VALUES (0, toUnixTimestamp(now()) / 60000) USING TIMESTAMP 1"
)


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and the outbox beside it."""

    media: MediaStore
    outbox: OutboxStore


def store_settings(contact_points: str | None, folder: Path) -> ServiceSettings:
    """Return the settings of a store: in a cluster, or in a folder."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=folder)
    return ServiceSettings(
        store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=KEYSPACE_PREFIX
    )


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open the store that a service with the same settings has."""
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


async def empty(cassandra: Cassandra) -> None:
    """Make a keyspace what it was when it was made."""
    await asyncio.gather(*(cassandra.execute(statement) for statement in _EMPTY))
    await cassandra.execute(_NO_PROGRESS)


async def until_it_answers(check: Check) -> None:
    """Wait until a store is there: connecting goes on in the background."""
    async for attempt in stamina.retry_context(
        on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_initial=0.02, wait_max=0.2
    ):
        with attempt:
            await check()
