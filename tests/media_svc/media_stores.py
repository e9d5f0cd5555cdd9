"""The stores of media, each with its outbox, opened on their own."""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import stamina

from media_svc.store import open as stores
from media_svc.store.cassandra import MIGRATIONS, CassandraMediaStore
from media_svc.store.port import SHARDS, MediaStore
from meshkit.cassandra import Cassandra, open_cassandra, write
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.errors import UnavailableError
from meshkit.events.outbox import MINUTE_MS, OutboxStore
from meshkit.events.outbox import SHARDS as OUTBOX_SHARDS
from meshkit.health import Check
from meshkit.service_settings import ServiceSettings

# Each session of tests has a keyspace of its own, and each test finds it as good as empty.
KEYSPACE_PREFIX = f"test_{secrets.token_hex(4)}"
# Far beyond what anything here takes: a schema is made in seconds.
PATIENCE_SECONDS = 120
_FIRST_MINUTE = time.time_ns() // 1_000_000 // MINUTE_MS
# Nobody but a sweep that is ahead of the time plans further ahead.
_MINUTES_AHEAD = 20
_EMPTY_MINUTE = [
    write(f"DELETE FROM {table} WHERE minute = ? AND shard = ?")  # noqa: S608 - our own two names
    for table in ("uploads_by_minute", "outbox")
]
# Slow: it takes a second.
_EMPTY = [write(f"TRUNCATE {table}") for table in ("uploads_by_minute", "uploads_progress")]
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
    """Drop what tests find of each other: events, and plans to look at uploads. Media have ids of their own."""
    this_minute = time.time_ns() // 1_000_000 // MINUTE_MS
    if await CassandraMediaStore(cassandra).checks_done_before() > this_minute:
        await asyncio.gather(*(cassandra.execute(statement) for statement in _EMPTY))
        await cassandra.execute(_NO_PROGRESS)
    minutes = range(_FIRST_MINUTE, this_minute + _MINUTES_AHEAD)
    places = itertools.product(_EMPTY_MINUTE, minutes, range(max(SHARDS, OUTBOX_SHARDS)))
    await asyncio.gather(*(cassandra.execute(*place) for place in places))


async def until_it_answers(check: Check) -> None:
    """Wait until a store is there: connecting goes on in the background."""
    async for attempt in stamina.retry_context(
        on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_initial=0.02, wait_max=0.2
    ):
        with attempt:
            await check()
