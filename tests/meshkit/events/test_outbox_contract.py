"""The contract of outbox stores, tested for each kind."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.cassandra import Cassandra, kept_events, records_of
from meshkit.cassandra.outbox import MIGRATIONS
from meshkit.events import OutboxRecord, Sweeper, new_record
from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS
from meshkit.ids import EPOCH_MS, first_id
from tests.meshkit.events.bus import new_stream
from tests.meshkit.events.outboxes import FormerOutbox, WritableOutbox, empty_cassandra, former_sqlite, open_sqlite
from tests.meshkit.redis.clusters import opened, settings_of
from tests.store_kinds import STORE_KINDS

MINUTE = EPOCH_MS // MINUTE_MS + 1_000_000


@pytest.fixture(scope="module", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Give a store's contact points, for each kind of store; None without a cluster."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest.fixture(scope="module")
async def keyspace(contact_points: str | None) -> AsyncIterator[Cassandra | None]:
    """Give a keyspace with an outbox, if the kind of store has keyspaces."""
    if contact_points is None:
        yield None
        return
    async with opened(settings_of(contact_points), MIGRATIONS) as keyspace:
        yield keyspace


@pytest.fixture
async def store(keyspace: Cassandra | None, tmp_path: Path) -> AsyncIterator[WritableOutbox]:
    """Give an empty outbox of each kind."""
    if keyspace is not None:
        yield await empty_cassandra(keyspace)
        return
    async with open_sqlite(tmp_path) as outbox:
        yield outbox


@pytest.fixture
async def former(keyspace: Cassandra | None, tmp_path: Path) -> AsyncIterator[FormerOutbox]:
    """Give an empty outbox of the previous version, of each kind."""
    if keyspace is not None:
        yield await empty_cassandra(keyspace)
        return
    async with former_sqlite(tmp_path) as outbox:
        yield outbox


def _record(minute: int, number: int, shard: int = 1) -> OutboxRecord:
    """Create a record in a bucket. Higher numbers are later."""
    event_id = first_id(minute * MINUTE_MS) + number * SHARDS + shard
    return OutboxRecord(event_id, f"event {event_id}".encode())


def test_a_record_knows_its_bucket() -> None:
    """Minute and shard follow from the id alone."""
    record = _record(MINUTE, 5, shard=3)
    assert (record.minute, record.shard) == (MINUTE, 3)


async def test_a_bucket_gives_its_records_in_order(store: WritableOutbox) -> None:
    """Records are returned by ascending id, in whatever order they were written."""
    records = [_record(MINUTE, number) for number in (3, 1, 2)]
    await store.write(records)
    assert list(await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10)) == sorted(
        records, key=lambda record: record.event_id
    )


async def test_a_bucket_returns_only_its_own_records(store: WritableOutbox) -> None:
    """Records of other minutes and shards are not returned."""
    record = _record(MINUTE, 1)
    await store.write([record, _record(MINUTE, 1, shard=2), _record(MINUTE - 1, 1), _record(MINUTE + 1, 1)])
    assert list(await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10)) == [record]


async def test_pages_give_each_record_once(store: WritableOutbox) -> None:
    """Reading on after each page's last key until a page is empty returns each record once."""
    records = [_record(MINUTE, number) for number in range(7)]
    await store.write(records)
    found: list[OutboxRecord] = []
    after = BEFORE_ALL
    while page := await store.read_outbox(MINUTE, 1, after, 3):
        assert len(page) <= 3
        found.extend(page)
        after = page[-1].key
    assert found == records


async def test_a_record_is_written_once(store: WritableOutbox) -> None:
    """Writing a record again, as a retry does, changes nothing."""
    record = _record(MINUTE, 1)
    await store.write([record])
    await store.write([record])
    assert list(await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10)) == [record]


async def test_events_with_the_same_id_are_all_stored(store: WritableOutbox) -> None:
    """Events with the same id are distinct, even at the end of a page, and each is stored once."""
    records = [OutboxRecord(first_id(MINUTE * MINUTE_MS), f"event {number}".encode()) for number in range(5)]
    shard = records[0].shard
    for _ in range(2):
        await store.write(records)
    found: list[OutboxRecord] = []
    after = BEFORE_ALL
    while page := await store.read_outbox(MINUTE, shard, after, 2):
        found.extend(page)
        after = page[-1].key
    assert found == sorted(records, key=lambda record: record.key)


async def test_events_with_the_same_id_all_arrive(store: WritableOutbox, redis: "Redis") -> None:
    """Equal events with ids of the same clock and random bits all reach the stream, each of them once."""
    minute = await store.outbox_done_before() + 1
    make_id, stream = partial(first_id, minute * MINUTE_MS), new_stream()
    records = [new_record(event_pb2.UserUpdated(user_id=7), make_id) for _ in range(4)]
    assert len({record.event_id for record in records}) == 1
    await store.write(records)
    assert await stream.add(redis, records[0])
    assert not await stream.add(redis, records[0])
    sweeper, now_ms = Sweeper(redis, stream, store), (minute + 1) * MINUTE_MS
    assert [await sweeper.sweep(now_ms) for _ in range(2)] == [3, 0]
    entries: Any = await redis.xrange(stream.key)
    assert sorted(fields[b"event"] for _, fields in entries) == sorted(record.payload for record in records)


async def test_records_of_the_previous_version_are_read(former: FormerOutbox) -> None:
    """Records without digests, and those of processes of the previous version, are read in order and once."""
    records = [_record(MINUTE, number) for number in range(6)]
    await former.write_formerly(records[::2])
    outbox = await former.upgrade()
    await former.write_formerly([records[1]])
    await outbox.write([records[3], records[5]])
    found: list[OutboxRecord] = []
    after = BEFORE_ALL
    while page := await outbox.read_outbox(MINUTE, 1, after, 2):
        assert len(page) <= 2
        found.extend(page)
        after = page[-1].key
    assert found == records


def test_a_row_keeps_events_with_the_same_id() -> None:
    """Events that wait in a map column are all kept, although ids are its keys."""
    records = [OutboxRecord(7, b"one"), OutboxRecord(7, b"other"), OutboxRecord(8, b"third")]
    assert [record.payload for record in records_of(kept_events(records))] == [b"one", b"other", b"third"]
    assert records_of(None) == []


async def test_progress_never_goes_back(store: WritableOutbox) -> None:
    """A sweeper that lags behind cannot set a lower minute."""
    begun = await store.outbox_done_before()
    await store.set_outbox_done_before(begun + 10)
    assert await store.outbox_done_before() == begun + 10
    await store.set_outbox_done_before(begun + 5)
    assert await store.outbox_done_before() == begun + 10


async def test_a_purge_keeps_newer_records(store: WritableOutbox) -> None:
    """Purging keeps records of the given minute and later ones."""
    young = [_record(MINUTE, 1), _record(MINUTE + 1, 1)]
    await store.write([_record(MINUTE - 1, 1), *young])
    await store.purge_outbox(MINUTE)
    assert [
        *await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10),
        *await store.read_outbox(MINUTE + 1, 1, BEFORE_ALL, 10),
    ] == young
