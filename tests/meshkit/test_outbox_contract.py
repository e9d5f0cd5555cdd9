"""What every outbox store promises, held against each kind of store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meshkit.cassandra import Cassandra
from meshkit.cassandra.outbox import MIGRATIONS
from meshkit.events import OutboxRecord
from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS
from meshkit.ids import EPOCH_MS, first_id
from tests.meshkit.clusters import opened, settings_of
from tests.meshkit.outboxes import WritableOutbox, empty_cassandra, open_sqlite
from tests.store_kinds import STORE_KINDS

MINUTE = EPOCH_MS // MINUTE_MS + 1_000_000


@pytest.fixture(scope="module", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Give what leads to a store's cluster, for each kind of store; None for one that needs no cluster."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest.fixture(scope="module")
async def keyspace(contact_points: str | None) -> AsyncIterator[Cassandra | None]:
    """Give a keyspace with an outbox, where the kind of store has keyspaces."""
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


def _record(minute: int, number: int, shard: int = 1) -> OutboxRecord:
    """Make a record of a bucket; those of higher numbers are later."""
    event_id = first_id(minute * MINUTE_MS) + number * SHARDS + shard
    return OutboxRecord(event_id, f"event {event_id}".encode())


def test_a_record_knows_its_bucket() -> None:
    """Minute and shard follow from the id alone."""
    record = _record(MINUTE, 5, shard=3)
    assert (record.minute, record.shard) == (MINUTE, 3)


async def test_a_bucket_gives_its_records_in_order(store: WritableOutbox) -> None:
    """Records come by ascending id, whole, in whatever order they were written."""
    records = [_record(MINUTE, number) for number in (3, 1, 2)]
    await store.write(records)
    assert list(await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10)) == sorted(
        records, key=lambda record: record.event_id
    )


async def test_a_bucket_gives_nothing_of_others(store: WritableOutbox) -> None:
    """Records of other minutes and shards stay out."""
    record = _record(MINUTE, 1)
    await store.write([record, _record(MINUTE, 1, shard=2), _record(MINUTE - 1, 1), _record(MINUTE + 1, 1)])
    assert list(await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10)) == [record]


async def test_pages_give_each_record_once(store: WritableOutbox) -> None:
    """Reading on after the last id of a page, until a page is empty, gives each record exactly once."""
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


async def test_progress_never_goes_back(store: WritableOutbox) -> None:
    """The minute before which all is done moves on, and stays where a sweeper that lags behind sets a lower one."""
    begun = await store.outbox_done_before()
    await store.set_outbox_done_before(begun + 10)
    assert await store.outbox_done_before() == begun + 10
    await store.set_outbox_done_before(begun + 5)
    assert await store.outbox_done_before() == begun + 10


async def test_a_purge_spares_the_young(store: WritableOutbox) -> None:
    """Purging touches no record of the given minute or a later one."""
    young = [_record(MINUTE, 1), _record(MINUTE + 1, 1)]
    await store.write([_record(MINUTE - 1, 1), *young])
    await store.purge_outbox(MINUTE)
    assert [
        *await store.read_outbox(MINUTE, 1, BEFORE_ALL, 10),
        *await store.read_outbox(MINUTE + 1, 1, BEFORE_ALL, 10),
    ] == young
