"""Opening the stores that the graph's contract is held against, on real files."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from lensfeed.events.v1 import event_pb2

from follow_svc.store.port import FollowStore
from follow_svc.store.sqlite import MIGRATIONS, SqliteFollowStore
from meshkit.events import OutboxRecord, OutboxStore, new_record
from meshkit.events.outbox import SHARDS
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.sqlite import open_database

# Small, so that a few thousand followers fill several.
BUCKET_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class OpenGraph:
    """A store and the outbox that it writes its events to."""

    follows: FollowStore
    outbox: OutboxStore


@contextlib.asynccontextmanager
async def open_graph(kind: str, directory: Path, bucket_size: int = BUCKET_SIZE) -> AsyncIterator[OpenGraph]:
    """Open a store of a kind that keeps its data in `directory`."""
    assert kind == "sqlite"
    async with open_database(directory / "follow_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield OpenGraph(SqliteFollowStore(database, bucket_size), SqliteOutbox(database))


def some_event() -> OutboxRecord:
    """Make an event; the store does not look into it."""
    return new_record(event_pb2.FollowCreated(follower_id=1, followee_id=2))


async def is_written(outbox: OutboxStore, record: OutboxRecord) -> bool:
    """Tell whether an event is in the outbox."""
    assert 0 <= record.shard < SHARDS
    return record in await outbox.read_outbox(record.minute, record.shard, record.event_id - 1, 1)
