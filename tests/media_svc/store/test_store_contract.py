"""Tests of what every store of media promises."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from lensfeed.events.v1 import event_pb2

from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState, Picture, Rendition, Rung
from media_svc.store.port import SHARDS, MediaStore, shard_of
from meshkit.events import OutboxRecord, new_record
from meshkit.events.outbox import before
from meshkit.ids import MAX_ID, PublicId, new_id
from meshkit.service_settings import ServiceSettings
from tests.media_svc.media_app import new_user
from tests.media_svc.media_stores import OpenStore, open_store

# Minutes for tests; each test has a hundred.
_BLOCKS = itertools.count(time.time_ns() // 60_000_000_000 + 1_000_000, 100)
PICTURE = Picture(
    4000,
    3000,
    bytes(range(25)),
    tuple(Rendition(f"{w}.avif", "image/avif", w, w // 2, w * 9) for w in (320, 640)),
    *("2024-05-01T12:30:00", "-03:30"),
)


@pytest.fixture
def store(opened: OpenStore) -> MediaStore:
    """Provide the store under test."""
    return opened.media


@pytest.fixture
def minute() -> int:
    """Provide a minute that no other test uses, like the hundred after it."""
    return next(_BLOCKS)


def _media(media_id: PublicId | None = None, upload_id: str = "") -> Media:
    media_id = media_id or PublicId(new_id(), new_user())
    return Media(
        media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/heic", 50_000_000, "Füße 🐾\0\n", upload_id
    )


def _event(media: Media) -> OutboxRecord:
    return new_record(event_pb2.MediaUploaded(media_id=str(media.media_id)))


async def _written(opened: OpenStore, record: OutboxRecord) -> bool:
    found = await opened.outbox.read_outbox(record.minute, record.shard, before(record.event_id), 1)
    return list(found) == [record]


async def _checks(store: MediaStore, minute: int) -> list[PublicId]:
    return [each for shard in range(SHARDS) for each in await store.list_checks(minute, shard, None, 100)]


async def test_medium_comes_back_as_it_was(store: MediaStore, minute: int) -> None:
    """Every field of every step survives the store."""
    media = _media(upload_id="an/upload:id")
    await store.add_media(media, minute)
    assert await store.get_media([media.media_id]) == [media]
    uploaded = media.uploaded("0123abc-3", 1_800_000_000_000)
    ready = uploaded.ready(PICTURE)
    for old, new in ((media, uploaded), (uploaded, ready)):
        assert await store.replace_media(old, new, [])
        assert await store.get_media([media.media_id]) == [new]
    other = _media().uploaded("e", 1)
    await store.add_media(other, minute)
    rejected = other.rejected(Failure(FailureReason.TYPE_MISMATCH, "It is something else."))
    assert await store.replace_media(other, rejected, [])
    assert await store.get_media([other.media_id]) == [rejected]


async def test_media_id_goes_to_one_of_many(store: MediaStore, minute: int) -> None:
    """Of concurrent calls that add the same id, one succeeds, and its medium is stored."""
    media_id = PublicId(new_id(), new_user())
    media = [replace(_media(media_id), alt_text=str(each)) for each in range(10)]
    added = await asyncio.gather(*(store.add_media(each, minute) for each in media))
    assert added.count(True) == 1
    [found] = await store.get_media([media_id])
    assert found == media[added.index(True)]
    assert not await store.add_media(media[0], minute)


def _video() -> Media:
    media_id = PublicId(new_id(), new_user())
    return Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.VIDEO, "video/mp4", 4_000_000_000, "A film.")


def _rung(height: int) -> Rung:
    return Rung(f"x/{height}p/index.m3u8", height * 2, height, 9_000, 8_000, "avc1.4d401e,mp4a.40.2", 29.97)


def _mp4(size_bytes: int) -> Rendition:
    return Rendition("x/video.mp4", "video/mp4", 426, 240, size_bytes)


async def _stored_video(store: MediaStore) -> Media:
    """Add a video that is READY in its first rung."""
    media = _video()
    uploaded = media.uploaded("0123abc-477", 1_800_000_000_000)
    ready = uploaded.ready(PICTURE).playable(600_000, _rung(240), _mp4(7))
    await store.add_media(media, next(_BLOCKS))
    assert await store.replace_media(media, uploaded, [])
    assert await store.replace_media(uploaded, ready, [])
    return ready


async def test_video_grows(store: MediaStore) -> None:
    """A READY video keeps its first rung, and gets others until it is complete."""
    ready = await _stored_video(store)
    assert await store.get_media([ready.media_id]) == [ready]
    grown = ready.grown(_rung(480), None).grown(_rung(720), _mp4(70))
    for old, new in ((ready, ready.grown(_rung(480), None)), (ready.grown(_rung(480), None), grown)):
        assert await store.grow_video(old, new)
        assert await store.get_media([ready.media_id]) == [new]
    assert await store.grow_video(grown, grown.completed())
    assert await store.get_media([ready.media_id]) == [grown.completed()]


async def test_video_grows_once(store: MediaStore) -> None:
    """Of concurrent writers of a video's next revision one wins; a writer with an older one changes nothing."""
    ready = await _stored_video(store)
    versions = [ready.grown(_rung(height), None) for height in (400, 410, 420, 430)]
    won = await asyncio.gather(*(store.grow_video(ready, each) for each in versions))
    assert sum(won) == 1
    winner = versions[won.index(True)]
    assert not await store.grow_video(ready, ready.grown(_rung(500), _mp4(1)))
    assert await store.get_media([ready.media_id]) == [winner]


async def test_only_ready_videos_grow(store: MediaStore, minute: int) -> None:
    """A missing medium, one that is not READY, or a photo does not grow."""
    video, photo = _video(), _media()
    absent = _video().uploaded("e", 1).ready(PICTURE).playable(1, _rung(240), _mp4(7))
    await store.add_media(video, minute)
    await store.add_media(photo, minute)
    still_processing = video.uploaded("e", 1)
    assert await store.replace_media(video, still_processing, [])
    ready = absent.grown(_rung(480), None)
    for old in (absent, replace(absent, media_id=video.media_id), replace(absent, media_id=photo.media_id)):
        assert not await store.grow_video(old, replace(ready, media_id=old.media_id))
    assert await store.get_media([video.media_id, photo.media_id, absent.media_id]) == [still_processing, photo]


async def _stored_photo(store: MediaStore) -> Media:
    """Add a photo that is READY."""
    media = _media()
    uploaded = media.uploaded("0123abc", 1_800_000_000_000)
    await store.add_media(media, next(_BLOCKS))
    assert await store.replace_media(media, uploaded, [])
    assert await store.replace_media(uploaded, uploaded.ready(PICTURE), [])
    return uploaded.ready(PICTURE)


def _smaller(name: str) -> Rendition:
    return Rendition(name, "image/avif", 320, 160, 7)


async def test_photo_is_improved(opened: OpenStore) -> None:
    """A photo gets smaller renditions with their event, and keeps the replaced names."""
    ready = await _stored_photo(opened.media)
    improved, record = ready.improved([_smaller("better.avif")]), _event(ready)
    assert [each.name for each in improved.renditions] == ["better.avif", "640.avif"]
    assert await opened.media.swap_renditions(ready, improved, [record])
    assert await opened.media.get_media([ready.media_id]) == [improved]
    assert await _written(opened, record)
    assert improved.replaced_names == ("320.avif",)
    assert await opened.media.replace_media(improved, improved.removed(), [])
    assert await opened.media.get_media([ready.media_id]) == [improved.removed()]


async def test_photo_is_improved_once(opened: OpenStore) -> None:
    """Of concurrent swaps one is written with its event, and none after it, even if nothing is smaller."""
    kinds: list[list[list[Rendition]]] = [[[_smaller(f"{number}.avif")] for number in range(4)], [[]]]
    for candidates in kinds:
        ready = await _stored_photo(opened.media)
        versions = [ready.improved(each) for each in candidates]
        records = [_event(ready) for _ in versions]
        swaps = zip(versions, records, strict=True)
        won = await asyncio.gather(*(opened.media.swap_renditions(ready, each, [record]) for each, record in swaps))
        assert sum(won) == 1
        assert [await _written(opened, record) for record in records] == won
        assert not await opened.media.swap_renditions(ready, ready.improved([_smaller("late.avif")]), [_event(ready)])
        assert await opened.media.get_media([ready.media_id]) == [versions[won.index(True)]]


async def test_only_what_is_served_is_improved(opened: OpenStore, minute: int) -> None:
    """Missing, unfinished and removed media stay as they are, without an event."""
    absent, uploaded = _media(), _media().uploaded("e", 1)
    await opened.media.add_media(uploaded, minute)
    removed = (await _stored_photo(opened.media)).removed()
    assert await opened.media.replace_media(replace(removed, state=MediaState.READY), removed, [])
    for media in (absent, uploaded, removed):
        record = _event(media)
        assert not await opened.media.swap_renditions(media, media.ready(PICTURE).improved([]), [record])
        assert not await _written(opened, record)
    assert await opened.media.get_media([each.media_id for each in (absent, uploaded, removed)]) == [uploaded, removed]


async def test_progress_of_a_video(store: MediaStore) -> None:
    """Progress is stored apart from the steps, and does not affect them."""
    media = _video()
    await store.add_media(media, next(_BLOCKS))
    uploaded = media.uploaded("e", 1)
    assert await store.replace_media(media, uploaded, [])
    for percent in (3, 40, 17):
        await store.set_progress(media.media_id, percent)
        assert await store.get_media([media.media_id]) == [replace(uploaded, progress=percent)]
    rejected = uploaded.rejected(Failure(FailureReason.MEDIA_CORRUPT, "Broken."))
    assert await store.replace_media(uploaded, rejected, [])
    (found,) = await store.get_media([media.media_id])
    assert replace(found, progress=0) == rejected


async def test_extreme_ids(store: MediaStore, minute: int) -> None:
    """Ids may be 0 and the largest."""
    for media_id in (PublicId(0, 0), PublicId(MAX_ID, MAX_ID), PublicId(MAX_ID, 0), PublicId(0, MAX_ID)):
        await store.add_media(_media(media_id), minute)
        assert await store.get_media([media_id]) == [_media(media_id)]


async def test_many_in_the_order_asked_for(store: MediaStore, minute: int) -> None:
    """Missing media are skipped, and the rest keeps the requested order."""
    media = [_media() for _ in range(5)]
    for each in media:
        await store.add_media(each, minute)
    absent = PublicId(new_id(), new_user())
    same_number = PublicId(media[0].media_id.local, new_user())
    asked = [media[3], media[0], media[4]]
    ids = [absent, *(each.media_id for each in asked), same_number]
    assert await store.get_media(ids) == asked
    assert await store.get_media([]) == []


async def test_a_step_is_taken_once(opened: OpenStore, minute: int) -> None:
    """Of concurrent writers of one step exactly one wins, and only its event is written."""
    store, media = opened.media, _media()
    await store.add_media(media, minute)
    steps = [media.uploaded(f"etag{number}", number) for number in range(8)]
    records = [_event(media) for _ in steps]
    won = await asyncio.gather(
        *(store.replace_media(media, step, [record]) for step, record in zip(steps, records, strict=True))
    )
    assert sum(won) == 1
    assert await store.get_media([media.media_id]) == [steps[won.index(True)]]
    assert [await _written(opened, record) for record in records] == won


async def test_a_step_from_an_older_state(opened: OpenStore, minute: int) -> None:
    """A step from an older state or of a missing medium changes nothing."""
    store, media = opened.media, _media()
    await store.add_media(media, minute)
    ready = media.uploaded("e", 1).ready(PICTURE)
    assert await store.replace_media(media, media.uploaded("e", 1), [])
    assert await store.replace_media(media.uploaded("e", 1), ready, [])
    record = _event(media)
    for old in (media, media.uploaded("e", 1)):
        assert not await store.replace_media(old, old.rejected(Failure(FailureReason.MEDIA_CORRUPT, "")), [record])
    absent = _media()
    assert not await store.replace_media(absent, absent.uploaded("e", 1), [record])
    assert await store.get_media([media.media_id, absent.media_id]) == [ready]
    assert not await _written(opened, record)


async def test_events_alone(opened: OpenStore) -> None:
    """Events can be written without a step."""
    records = [_event(_media()) for _ in range(3)]
    await opened.media.add_records(records)
    assert all([await _written(opened, record) for record in records])


async def test_first_check(store: MediaStore, minute: int) -> None:
    """A new medium is listed in the minute of its first check, and in no other."""
    media = _media()
    await store.add_media(media, minute)
    assert await _checks(store, minute) == [media.media_id]
    assert await _checks(store, minute - 1) == await _checks(store, minute + 1) == []


async def test_pages_of_checks(store: MediaStore, minute: int) -> None:
    """A bucket's checks come in ascending pages, each once, however often they were planned."""
    ids = sorted(PublicId(local * SHARDS, owner) for local in range(10) for owner in (1, 2))
    for media_id in [*ids, *reversed(ids)]:
        await store.plan_check(minute, media_id)
    shard = shard_of(ids[0])
    found: list[PublicId] = []
    while page := await store.list_checks(minute, shard, found[-1] if found else None, 3):
        found.extend(page)
        assert len(page) <= 3
    assert found == ids
    assert await _checks(store, minute) == ids


@pytest.mark.usefixtures("fresh_plans")
async def test_progress(store: MediaStore) -> None:
    """The minute before which all checks are done never moves back, and later plans are kept."""
    # The store was just created, so nothing can have been planned before now.
    now = time.time_ns() // 60_000_000_000
    first = await store.checks_done_before()
    assert now - 5 < first <= now
    early, late = PublicId(1, 1), PublicId(2, 2)
    await store.plan_check(first + 1, early)
    await store.plan_check(first + 2, late)
    await store.set_checks_done_before(first + 2)
    assert await store.checks_done_before() == first + 2
    assert await _checks(store, first + 2) == [late]
    assert await _checks(store, first + 1) in ([], [early])
    await store.set_checks_done_before(first)
    assert await store.checks_done_before() == first + 2


@pytest.mark.slow
async def test_many_checks_of_one_minute(store: MediaStore, minute: int) -> None:
    """A bucket of thousands is read completely, page by page."""
    ids = [PublicId((MAX_ID // SHARDS - number) * SHARDS, MAX_ID) for number in range(3_000)]
    for some in (ids[first : first + 100] for first in range(0, len(ids), 100)):
        await asyncio.gather(*(store.plan_check(minute, media_id) for media_id in some))
    found: list[PublicId] = []
    while page := await store.list_checks(minute, 0, found[-1] if found else None, 1_000):
        found.extend(page)
    assert found == sorted(ids)


async def test_a_hundred_at_once(store: MediaStore, minute: int) -> None:
    """The largest batch comes in one call."""
    media = [_media() for _ in range(100)]
    await asyncio.gather(*(store.add_media(each, minute) for each in media))
    assert await store.get_media([each.media_id for each in media]) == media


async def test_two_processes(opened: OpenStore, store_settings: ServiceSettings, minute: int) -> None:
    """Processes see each other's writes, and of their concurrent steps one is taken."""
    media = _media()
    async with open_store(store_settings) as other:
        await other.media.add_media(media, minute)
        assert await opened.media.get_media([media.media_id]) == [media]
        steps = [media.uploaded("a", 1), media.uploaded("b", 2)]
        stores = (opened.media, other.media)
        won = await asyncio.gather(
            *(store.replace_media(media, step, []) for store, step in zip(stores, steps, strict=True))
        )
        assert sum(won) == 1
        for store in stores:
            assert await store.get_media([media.media_id]) == [steps[won.index(True)]]


def test_shards_are_used() -> None:
    """The media of a minute spread over all shards."""
    found: Sequence[int] = [shard_of(PublicId(new_id(), 1)) for _ in range(500)]
    assert set(found) == set(range(SHARDS))
