"""What only a store promises whose steps and outbox are apart: that a taken step is told, whatever dies in between."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2

from media_svc.check_schedule import MINUTE_MS
from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState, Picture
from media_svc.store.cassandra import CassandraMediaStore
from media_svc.store.cassandra_steps import _TOLD
from meshkit.cassandra import Cassandra, Statement, Step, UnknownOutcomeError
from meshkit.cassandra.statements import Kind
from meshkit.errors import UnavailableError
from meshkit.events import OutboxRecord, new_record
from meshkit.events.outbox import before
from meshkit.ids import PublicId, new_id
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import events_in, kinds, some_user
from tests.media_svc.media_stores import OpenStore
from tests.store_kinds import STORE_KINDS

STORES = tuple(kind for kind in STORE_KINDS if kind == "cassandra")
PICTURE = Picture(40, 30, b"thumb", ())
FAILURE = Failure(FailureReason.MEDIA_CORRUPT, "Broken.")


class _Beside(Cassandra):
    """A connection of another process, which may die before a batch, or hear no answers to its claims."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._inner = cassandra
        self.dies_of: BaseException | None = None
        self.is_deaf = False
        # What others do between a claim and its lost answer.
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def execute(self, statement: Statement, *parameters: Any) -> list[tuple[Any, ...]]:
        rows = await self._inner.execute(statement, *parameters)
        if self.is_deaf and statement.kind is Kind.CLAIM:
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await meanwhile()
            raise UnknownOutcomeError
        return rows

    async def execute_batch(self, *steps: Step) -> None:
        if self.dies_of is not None:
            raise self.dies_of
        await self._inner.execute_batch(*steps)


@pytest.fixture
def cluster(keyspace: Cassandra | None) -> Cassandra:
    """Give the keyspace."""
    assert keyspace is not None
    return keyspace


@pytest.fixture
def beside(cluster: Cassandra) -> _Beside:
    """Give the connection of another process."""
    return _Beside(cluster)


def _uploaded(media: Media, event_id: int | None = None) -> OutboxRecord:
    record = new_record(event_pb2.MediaUploaded(media_id=str(media.media_id)))
    return record if event_id is None else OutboxRecord(event_id, record.payload)


async def _added(opened: OpenStore) -> Media:
    media_id = PublicId(new_id(), some_user())
    media = Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", 5, "")
    await opened.media.add_media(media, _check_minute(media))
    return media


def _check_minute(media: Media) -> int:
    return media.created_ms // MINUTE_MS + 1


async def _die_after_the_step(beside: _Beside, old: Media, new: Media, record: OutboxRecord) -> None:
    """Take a step in a process that dies when it would write the step's event."""
    beside.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(beside).replace_media(old, new, [record])


async def _told(opened: OpenStore, media: Media) -> list[str | None]:
    return kinds(await events_in(opened.outbox, str(media.media_id)))


async def test_next_reader_tells_what_a_crash_left(opened: OpenStore, beside: _Beside) -> None:
    """A step whose process died before the outbox is taken all the same, and told once somebody looks at the medium."""
    media = await _added(opened)
    changed, record = media.uploaded("e", 1), _uploaded(media)
    await _die_after_the_step(beside, media, changed, record)
    assert await _told(opened, media) == []
    for _ in range(3):
        assert await opened.media.get_media([media.media_id]) == [changed]
        found = await opened.outbox.read_outbox(record.minute, record.shard, before(record.event_id), 1)
        assert list(found) == [record]
    assert await _told(opened, media) == ["media_uploaded"]


@pytest.mark.usefixtures("fresh_plans")
async def test_sweeper_tells_what_a_crash_left(parts: Parts, opened: OpenStore, beside: _Beside) -> None:
    """Where nobody asks for the medium, the check that was planned for it finds the event."""
    media = await _added(opened)
    changed = media.rejected(FAILURE)
    await _die_after_the_step(beside, media, changed, parts.events.rejected(changed))
    assert await _told(opened, media) == []
    await parts.sweeper.sweep((_check_minute(media) + 1) * MINUTE_MS)
    assert await _told(opened, media) == ["media_rejected"]


async def test_no_step_is_taken_over_an_untold_one(opened: OpenStore, beside: _Beside) -> None:
    """Who takes the next step without having looked tells the one before it first."""
    media = await _added(opened)
    changed = media.uploaded("e", 1)
    await _die_after_the_step(beside, media, changed, _uploaded(media))
    assert await opened.media.replace_media(changed, changed.ready(PICTURE), [_uploaded(media)])
    assert await _told(opened, media) == ["media_uploaded"] * 2


async def test_loser_tells_the_winner(opened: OpenStore, beside: _Beside) -> None:
    """Who comes too late for a step makes sure that others hear of the one that was taken."""
    media = await _added(opened)
    await _die_after_the_step(beside, media, media.uploaded("e", 1), _uploaded(media))
    assert not await opened.media.replace_media(media, media.rejected(FAILURE), [])
    assert await _told(opened, media) == ["media_uploaded"]


async def test_late_event_goes_where_the_sweeper_looks(opened: OpenStore, beside: _Beside) -> None:
    """What is found long after its minute was closed is told in this minute, under a new id."""
    media = await _added(opened)
    late = _uploaded(media, new_id(time.time_ns() // 1_000_000 - 60 * MINUTE_MS))
    await _die_after_the_step(beside, media, media.uploaded("e", 1), late)
    for _ in range(2):
        await opened.media.get_media([media.media_id])
    assert await _told(opened, media) == ["media_uploaded"]
    assert await opened.outbox.read_outbox(late.minute, late.shard, before(late.event_id), 1) == []


async def test_step_stands_while_the_outbox_cannot_be_written(opened: OpenStore, beside: _Beside) -> None:
    """A step that is taken is no failure to its caller where its event has to wait."""
    media = await _added(opened)
    beside.dies_of = UnavailableError()
    store = CassandraMediaStore(beside)
    assert await store.replace_media(media, media.uploaded("e", 1), [_uploaded(media)])
    # Who reads must not go on as if all were told.
    with pytest.raises(UnavailableError):
        await store.get_media([media.media_id])
    beside.dies_of = None
    assert await store.get_media([media.media_id]) == [media.uploaded("e", 1)]
    assert await _told(opened, media) == ["media_uploaded"]


async def test_lost_answers_change_nothing(opened: OpenStore, beside: _Beside) -> None:
    """Callers that hear no answer to any claim find out who won: exactly one, and its event alone is told."""
    media = await _added(opened)
    beside.is_deaf = True
    store = CassandraMediaStore(beside)
    steps = [media.uploaded(f"etag{number}", number) for number in range(4)]
    won = await asyncio.gather(*(store.replace_media(media, step, [_uploaded(media)]) for step in steps))
    assert sum(won) == 1
    assert await opened.media.get_media([media.media_id]) == [steps[won.index(True)]]
    assert await _told(opened, media) == ["media_uploaded"]


async def test_winner_that_was_overtaken_has_won(opened: OpenStore, beside: _Beside) -> None:
    """A step whose answer was lost was taken, even where another has followed before that was found out."""
    media = await _added(opened)
    changed = media.uploaded("e", 1)
    ready = changed.ready(PICTURE)
    beside.is_deaf = True
    beside.meanwhile = lambda: opened.media.replace_media(changed, ready, [])
    assert await CassandraMediaStore(beside).replace_media(media, changed, [_uploaded(media)])
    assert await opened.media.get_media([media.media_id]) == [ready]
    assert await _told(opened, media) == ["media_uploaded"]


async def _ready(opened: OpenStore) -> Media:
    media = await _added(opened)
    uploaded = media.uploaded("e", 1)
    ready = uploaded.ready(PICTURE)
    assert await opened.media.replace_media(media, uploaded, [])
    assert await opened.media.replace_media(uploaded, ready, [_uploaded(media)])
    return ready


async def test_swap_that_a_crash_left_is_told(opened: OpenStore, beside: _Beside) -> None:
    """Better renditions whose process died before the outbox stand all the same, and are told once somebody looks."""
    ready = await _ready(opened)
    improved = ready.improved(())
    beside.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(beside).swap_renditions(ready, improved, [_uploaded(ready)])
    assert await _told(opened, ready) == ["media_uploaded"]
    for _ in range(3):
        assert await opened.media.get_media([ready.media_id]) == [improved]
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_swap_without_an_answer(opened: OpenStore, beside: _Beside) -> None:
    """Who hears no answer finds out what became of the swap, and its event is told."""
    ready = await _ready(opened)
    beside.is_deaf = True
    assert await CassandraMediaStore(beside).swap_renditions(ready, ready.improved(()), [_uploaded(ready)])
    assert await opened.media.get_media([ready.media_id]) == [ready.improved(())]
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_events_of_a_swap_are_not_taken_for_told(opened: OpenStore, beside: _Beside, cluster: Cassandra) -> None:
    """Who notes, late, that the step to READY was told leaves the events of a swap that came after it."""
    ready = await _ready(opened)
    beside.dies_of = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await CassandraMediaStore(beside).swap_renditions(ready, ready.improved(()), [_uploaded(ready)])
    (late,) = await cluster.execute(_TOLD, ready.media_id.pack(), ready.state, None)
    assert not late[0]
    await opened.media.get_media([ready.media_id])
    assert await _told(opened, ready) == ["media_uploaded"] * 2


async def test_medium_that_is_added_late_covers_nothing(opened: OpenStore) -> None:
    """The write that begins a medium may come again after its steps, and changes nothing then."""
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
