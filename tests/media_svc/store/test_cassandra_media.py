"""Tests of the Cassandra store's steps: a step that was taken is published, whatever crashes in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2

from media_svc.check_schedule import MINUTE_MS
from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState, Picture
from media_svc.store.cassandra import CassandraMediaStore
from media_svc.store.cassandra_bytes import StoredBytes
from media_svc.store.cassandra_steps import _CLEAR_EVENTS
from meshkit.cassandra import Cassandra, Statement, Step, UnknownOutcomeError
from meshkit.cassandra.statements import Kind
from meshkit.errors import UnavailableError
from meshkit.events import OutboxRecord, new_record
from meshkit.events.outbox import before
from meshkit.ids import PublicId, new_id
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import events_in, kinds, new_user
from tests.media_svc.media_stores import OpenStore
from tests.store_kinds import STORE_KINDS

STORES = tuple(kind for kind in STORE_KINDS if kind == "cassandra")
PICTURE = Picture(40, 30, b"thumb", ())
FAILURE = Failure(FailureReason.MEDIA_CORRUPT, "Broken.")


class _OtherConnection(Cassandra):
    """A connection of another process that may die before a batch or lose responses to its claims."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._inner = cassandra
        self.dies_of: BaseException | None = None
        self.is_deaf = False
        # What other processes do between a claim and its lost response.
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def execute(self, statement: Statement, *parameters: Any) -> list[tuple[Any, ...]]:
        rows = await self._inner.execute(statement, *parameters)
        if self.is_deaf and statement.kind is Kind.CLAIM:
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await meanwhile()
            raise UnknownOutcomeError
        return rows

    def now_ms(self) -> int:
        return self._inner.now_ms()

    async def claim_together(self, *steps: Step) -> bool:
        is_done = await self._inner.claim_together(*steps)
        if self.is_deaf:
            raise UnknownOutcomeError
        return is_done

    async def execute_batch(self, *steps: Step) -> None:
        if self.dies_of is not None:
            raise self.dies_of
        await self._inner.execute_batch(*steps)


@pytest.fixture
def cluster(keyspace: Cassandra | None) -> Cassandra:
    """Provide the keyspace."""
    assert keyspace is not None
    return keyspace


@pytest.fixture
def other(cluster: Cassandra) -> _OtherConnection:
    """Provide another process's connection."""
    return _OtherConnection(cluster)


def _uploaded(media: Media, event_id: int | None = None) -> OutboxRecord:
    record = new_record(event_pb2.MediaUploaded(media_id=str(media.media_id)))
    return record if event_id is None else OutboxRecord(event_id, record.payload)


async def _added(opened: OpenStore) -> Media:
    media_id = PublicId(new_id(), new_user())
    media = Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", 5, "")
    await opened.media.add_media(media, _check_minute(media))
    return media


def _check_minute(media: Media) -> int:
    return media.created_ms // MINUTE_MS + 1


async def _die_after_the_step(other: _OtherConnection, old: Media, new: Media, record: OutboxRecord) -> None:
    """Take a step in a process that dies before it publishes the event."""
    other.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(other).replace_media(old, new, [record])


async def _told(opened: OpenStore, media: Media) -> list[str | None]:
    return kinds(await events_in(opened.outbox, str(media.media_id)))


async def test_next_reader_publishes_after_a_crash(opened: OpenStore, other: _OtherConnection) -> None:
    """A step whose process died before the outbox is taken, and published by the medium's next reader."""
    media = await _added(opened)
    changed, record = media.uploaded("e", 1), _uploaded(media)
    await _die_after_the_step(other, media, changed, record)
    assert await _told(opened, media) == []
    for _ in range(3):
        assert await opened.media.get_media([media.media_id]) == [changed]
        found = await opened.outbox.read_outbox(record.minute, record.shard, before(record.event_id), 1)
        assert list(found) == [record]
    assert await _told(opened, media) == ["media_uploaded"]


@pytest.mark.usefixtures("fresh_plans")
async def test_sweeper_publishes_after_a_crash(parts: Parts, opened: OpenStore, other: _OtherConnection) -> None:
    """If nobody reads the medium, its planned check publishes the event."""
    media = await _added(opened)
    changed = media.rejected(FAILURE)
    await _die_after_the_step(other, media, changed, parts.events.rejected(changed))
    assert await _told(opened, media) == []
    await parts.sweeper.sweep((_check_minute(media) + 1) * MINUTE_MS)
    assert await _told(opened, media) == ["media_rejected"]


async def test_next_step_publishes_the_one_before(opened: OpenStore, other: _OtherConnection) -> None:
    """The next step publishes the step before it first."""
    media = await _added(opened)
    changed = media.uploaded("e", 1)
    await _die_after_the_step(other, media, changed, _uploaded(media))
    assert await opened.media.replace_media(changed, changed.ready(PICTURE), [_uploaded(media)])
    assert await _told(opened, media) == ["media_uploaded"] * 2


async def test_loser_publishes_the_winners_step(opened: OpenStore, other: _OtherConnection) -> None:
    """A caller that comes too late for a step publishes the one that was taken."""
    media = await _added(opened)
    await _die_after_the_step(other, media, media.uploaded("e", 1), _uploaded(media))
    assert not await opened.media.replace_media(media, media.rejected(FAILURE), [])
    assert await _told(opened, media) == ["media_uploaded"]


async def test_late_event_gets_a_new_id(opened: OpenStore, other: _OtherConnection) -> None:
    """An event found long after its minute was closed is published in the current minute, with a new id."""
    media = await _added(opened)
    late = _uploaded(media, new_id(time.time_ns() // 1_000_000 - 60 * MINUTE_MS))
    await _die_after_the_step(other, media, media.uploaded("e", 1), late)
    for _ in range(2):
        await opened.media.get_media([media.media_id])
    assert await _told(opened, media) == ["media_uploaded"]
    assert await opened.outbox.read_outbox(late.minute, late.shard, before(late.event_id), 1) == []


async def test_step_succeeds_without_the_outbox(opened: OpenStore, other: _OtherConnection) -> None:
    """A step succeeds even if its event has to wait."""
    media = await _added(opened)
    other.dies_of = UnavailableError()
    store = CassandraMediaStore(other)
    assert await store.replace_media(media, media.uploaded("e", 1), [_uploaded(media)])
    # A reader must not continue as if the event were published.
    with pytest.raises(UnavailableError):
        await store.get_media([media.media_id])
    other.dies_of = None
    assert await store.get_media([media.media_id]) == [media.uploaded("e", 1)]
    assert await _told(opened, media) == ["media_uploaded"]


async def test_lost_responses(opened: OpenStore, other: _OtherConnection) -> None:
    """Callers that lose every response still find out who won: exactly one, and only its event is published."""
    media = await _added(opened)
    other.is_deaf = True
    store = CassandraMediaStore(other)
    steps = [media.uploaded(f"etag{number}", number) for number in range(4)]
    won = await asyncio.gather(*(store.replace_media(media, step, [_uploaded(media)]) for step in steps))
    assert sum(won) == 1
    assert await opened.media.get_media([media.media_id]) == [steps[won.index(True)]]
    assert await _told(opened, media) == ["media_uploaded"]


async def test_lost_responses_of_bytes(opened: OpenStore, other: _OtherConnection) -> None:
    """Bytes are counted and dropped once, even if every response is lost."""
    owner = new_user()
    other.is_deaf = True
    stored = StoredBytes(other)
    media = [
        Media(PublicId(new_id(), owner), MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", 100, "")
        for _ in range(4)
    ]
    await asyncio.gather(*(stored.add(each, 400) for each in media))
    assert await opened.media.used_bytes(owner) == 400
    await asyncio.gather(*(stored.drop(each.media_id) for each in (*media[:2], *media[:2])))
    assert await opened.media.used_bytes(owner) == 200


async def test_lost_response_of_an_overtaken_step(opened: OpenStore, other: _OtherConnection) -> None:
    """A step whose response was lost was taken, even if another step followed before that is known."""
    media = await _added(opened)
    changed = media.uploaded("e", 1)
    ready = changed.ready(PICTURE)
    other.is_deaf = True
    other.meanwhile = lambda: opened.media.replace_media(changed, ready, [])
    assert await CassandraMediaStore(other).replace_media(media, changed, [_uploaded(media)])
    assert await opened.media.get_media([media.media_id]) == [ready]
    assert await _told(opened, media) == ["media_uploaded"]


async def _ready(opened: OpenStore) -> Media:
    media = await _added(opened)
    uploaded = media.uploaded("e", 1)
    ready = uploaded.ready(PICTURE)
    assert await opened.media.replace_media(media, uploaded, [])
    assert await opened.media.replace_media(uploaded, ready, [_uploaded(media)])
    return ready


async def test_swap_is_published_after_a_crash(opened: OpenStore, other: _OtherConnection) -> None:
    """Better renditions whose process died before the outbox stay, and are published by the next reader."""
    ready = await _ready(opened)
    improved = ready.improved(())
    other.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(other).swap_renditions(ready, improved, [_uploaded(ready)])
    assert await _told(opened, ready) == ["media_uploaded"]
    for _ in range(3):
        assert await opened.media.get_media([ready.media_id]) == [improved]
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_swap_with_a_lost_response(opened: OpenStore, other: _OtherConnection) -> None:
    """A caller that loses the response finds out what became of the swap, and its event is published."""
    ready = await _ready(opened)
    other.is_deaf = True
    assert await CassandraMediaStore(other).swap_renditions(ready, ready.improved(()), [_uploaded(ready)])
    assert await opened.media.get_media([ready.media_id]) == [ready.improved(())]
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_late_clear_keeps_events_of_a_swap(
    opened: OpenStore, other: _OtherConnection, cluster: Cassandra
) -> None:
    """A late clear of the events of READY keeps the events of a later swap."""
    ready = await _ready(opened)
    other.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(other).swap_renditions(ready, ready.improved(()), [_uploaded(ready)])
    (late,) = await cluster.execute(_CLEAR_EVENTS, ready.media_id.pack(), ready.state, None)
    assert not late[0]
    await opened.media.get_media([ready.media_id])
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_late_insert_overwrites_nothing(opened: OpenStore) -> None:
    """The insert of a medium may arrive again after its steps, and changes nothing."""
    media = await _added(opened)
    changed = media.uploaded("e", 1)
    assert await opened.media.replace_media(media, changed, [])
    assert not await opened.media.add_media(media, _check_minute(media))
    assert await opened.media.get_media([media.media_id]) == [changed]


async def test_progress_of_slow_sweepers(opened: OpenStore) -> None:
    """Sweepers that write their progress in any order leave the highest."""
    first = await opened.media.checks_done_before()
    await asyncio.gather(*(opened.media.set_checks_done_before(first + number) for number in (3, 9, 1, 7)))
    assert await opened.media.checks_done_before() == first + 9
