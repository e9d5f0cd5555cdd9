"""Opens the graph's stores on real files and on a real cluster."""

import asyncio
import contextlib
import secrets
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stamina
from lensfeed.events.v1 import event_pb2

from follow_svc.store.cassandra import MIGRATIONS, CassandraFollowStore
from follow_svc.store.open import open_store
from follow_svc.store.port import FollowStore
from meshkit.cassandra import Cassandra, CassandraOutbox, Step, open_cassandra, write
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.errors import UnavailableError
from meshkit.events import OutboxRecord, OutboxStore, new_record
from meshkit.events.outbox import SHARDS, before
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings
from meshkit.sqlite import Database, open_database

# Small, so that a few hundred followers fill several buckets.
BUCKET_SIZE = 60
# Each test session has two keyspaces of its own, so that emptying tables never affects the served graph.
STORE_PREFIX, SERVED_PREFIX = (f"test_{secrets.token_hex(4)}_{use}" for use in ("store", "served"))
_EMPTY = [
    write(f"TRUNCATE {table}")
    for table in (
        "follows",
        "followers",
        "follower_buckets",
        "follow_counts",
        "follow_requests",
        "recount_progress",
        "stances",
        "standings",
    )
]

_FOLLOW = write(
    "INSERT INTO follows (follower_id, followee_id, bucket, created_ms, change, is_ended) VALUES (?, ?, 0, 1, ?, false)"
)
_FOLLOWER = write("INSERT INTO followers (follower_id, followee_id, bucket, change) VALUES (?, ?, 0, ?)")
_FOLLOWING_COUNT, _FOLLOWER_COUNT = (
    write(f"UPDATE follow_counts SET {side} = {side} + ? WHERE user_id = ?", is_idempotent=False)  # noqa: S608 - our own two names
    for side in ("following", "followers")
)


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """A store and its outbox."""

    follows: FollowStore
    outbox: OutboxStore
    inside: Cassandra | Database


@dataclass(frozen=True, slots=True)
class GraphStores:
    """Stores of one kind: files in a directory, or tables in one keyspace."""

    cassandra: Cassandra | None

    @contextlib.asynccontextmanager
    async def open(self, directory: Path, bucket_size: int = BUCKET_SIZE) -> AsyncIterator[OpenGraph]:
        """Open a store with what the directory or keyspace holds."""
        if self.cassandra is not None:
            store = CassandraFollowStore(self.cassandra, bucket_size)
            yield OpenGraph(store, CassandraOutbox(self.cassandra), self.cassandra)
            await store.drain()
            return
        async with (
            open_store(ServiceSettings(sqlite_dir=directory), bucket_size) as opened,
            open_database(directory / "follow_svc.db") as database,
        ):
            yield OpenGraph(opened.store, opened.outbox, database)

    async def empty(self) -> None:
        """Empty the keyspace; directories are separate anyway."""
        if self.cassandra is not None:
            await empty_keyspace(self.cassandra)


async def empty_keyspace(cassandra: Cassandra) -> None:
    """Empty a keyspace's graph."""
    await asyncio.gather(*(cassandra.execute(statement) for statement in _EMPTY))


def cassandra_settings(contact_points: str, prefix: str = STORE_PREFIX) -> ServiceSettings:
    """Return settings for one of the tests' own keyspaces."""
    return ServiceSettings(store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=prefix)


@contextlib.asynccontextmanager
async def open_keyspace(settings: ServiceSettings) -> AsyncIterator[Cassandra]:
    """Open a keyspace with the graph's tables."""
    async with open_cassandra(settings, "follow", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        await answering(cassandra.check)
        yield cassandra


async def answering(check: Check) -> None:
    """Wait until a part answers."""
    async for attempt in stamina.retry_context(on=UnavailableError, attempts=None, timeout=120, wait_max=0.2):
        with attempt:
            await check()


async def write_follows(store: Cassandra | Database, pairs: Iterable[tuple[int, int]]) -> None:
    """Write many follows (follower, followee) and their counts directly. The accounts need not exist."""
    rows = list(pairs)
    if isinstance(store, Database):
        await store.write(lambda connection: _insert(connection, rows))
        return
    turn = asyncio.Semaphore(32)

    async def in_turn(work: Callable[..., Awaitable[object]], *arguments: Any) -> None:
        async with turn:
            await work(*arguments)

    steps: list[Step] = [(statement, (*row, 1)) for statement in (_FOLLOW, _FOLLOWER) for row in rows]
    batches = [in_turn(store.execute_batch, *steps[at : at + 50]) for at in range(0, len(steps), 50)]
    counts = [
        in_turn(store.execute, statement, count, user)
        for statement, side in ((_FOLLOWING_COUNT, 0), (_FOLLOWER_COUNT, 1))
        for user, count in Counter(row[side] for row in rows).items()
    ]
    await asyncio.gather(*batches, *counts)


def _insert(connection: sqlite3.Connection, rows: list[tuple[int, int]]) -> None:
    connection.executemany(
        "INSERT INTO follows (follower_id, followee_id, bucket, created_ms) VALUES (?, ?, 0, 1)", rows
    )
    connection.executemany("INSERT INTO followers (follower_id, followee_id, bucket) VALUES (?, ?, 0)", rows)
    for index, column in enumerate(("following", "followers")):
        connection.executemany(
            f"INSERT INTO follow_counts (user_id, {column}) VALUES (?, 1)"  # noqa: S608 - our own two names
            f" ON CONFLICT DO UPDATE SET {column} = {column} + 1",
            [(row[index],) for row in rows],
        )


def some_event() -> OutboxRecord:
    """Return an event. The store does not look into it."""
    return new_record(event_pb2.FollowCreated(follower_id=1, followee_id=2))


async def is_written(outbox: OutboxStore, record: OutboxRecord) -> bool:
    """Return whether an event is in the outbox."""
    assert 0 <= record.shard < SHARDS
    return record in await outbox.read_outbox(record.minute, record.shard, before(record.event_id), 1)
