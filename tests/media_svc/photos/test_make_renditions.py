"""Tests from the upload to the served renditions, with a real worker."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from lensfeed.events.v1 import event_pb2
from lensfeed.media.v1 import media_pb2

from media_svc.events import GROUP, STREAM
from media_svc.job_costs import HEADER, LARGEST_PHOTO, photo_cost
from media_svc.model import LargePictureError, Media, MediaState
from media_svc.photos.make_renditions import CACHE_CONTROL, MakeRenditions, OriginalMissingError
from media_svc.photos.renditions import Rendered, RenderLimits, render
from media_svc.sandbox.picture_limits import LARGE_PIXELS
from meshkit.events import new_record
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis
from tests.media_svc import pictures
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

STORES = ("sqlite",)


async def _render(folder: Path, content_type: str) -> Rendered:
    return await render(folder, content_type, RenderLimits())


def _maker(parts: Parts) -> MakeRenditions:
    return MakeRenditions(parts.store, parts.objects, parts.events, _render, _not_added, _not_added)


async def _not_added(media_id: PublicId, _: int) -> None:
    raise AssertionError(f"{media_id} is a small photo")


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_photo(app: MediaApp, content_type: str) -> None:
    """An uploaded photo becomes READY with public renditions that caches keep forever."""
    owner = new_user()
    original = pictures.encoded(pictures.quarters(700, 500), content_type, exif=pictures.exif())
    media_id = await app.upload(owner, content_type, original, "four colours")
    media = await app.settled(owner, media_id)
    assert media.state == media_pb2.MEDIA_STATE_READY
    assert (media.width, media.height, media.alt_text) == (700, 500, "four colours")
    assert 20 <= len(media.thumbhash) <= 30
    assert [each.width for each in media.renditions] == [320] * 3 + [640] * 3 + [700] * 3
    for each in media.renditions:
        answer = await app.http.get(each.url)
        assert answer.status_code == httpx.codes.OK
        assert answer.headers["content-type"] == each.content_type
        assert answer.headers["cache-control"] == CACHE_CONTROL
        assert len(answer.content) == each.size_bytes
        assert pictures.PLACE_WORDS not in answer.content
    uploaded, ready = await app.events_of(media_id)
    assert uploaded.media_uploaded.media_id == media_id
    # Other services get names, which stay valid when renditions move to another host.
    for each in media.renditions:
        each.url = f"{media_id}/{each.url.rpartition('/')[2]}"
    assert ready.media_ready == event_pb2.MediaReady(owner_id=owner, media=media)
    assert await app.batch_get(owner, [media_id]) == [media]


async def test_same_picture_twice(app: MediaApp, parts: Parts) -> None:
    """Two media with the same bytes share no file, so that each can be removed alone."""
    owner, original = new_user(), pictures.encoded(pictures.quarters(), "image/png")
    names = []
    for _ in range(2):
        media_id = await app.upload(owner, "image/png", original)
        await _maker(parts)(PublicId.parse(media_id))
        names.append([each.name.split("/") for each in (await _stored(parts, media_id)).renditions])
        assert {folder for folder, _ in names[-1]} == {media_id}
    first, second = names
    assert [name for _, name in first] == [name for _, name in second]


@pytest.mark.usefixtures("worker")
async def test_multipart_photo(app: MediaApp) -> None:
    """A photo uploaded in parts is joined correctly."""
    owner = new_user()
    original = pictures.encoded(pictures.noise(2100, 1700), "image/png")
    started = await app.start(owner, "image/png", len(original))
    assert len(started.parts) == 2
    await app.complete(owner, started.media_id, await app.put_all(started, original))
    media = await app.settled(owner, started.media_id)
    assert (media.state, media.width, media.height) == (media_pb2.MEDIA_STATE_READY, 2100, 1700)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: pictures.encoded(pictures.noise(200, 200), "image/jpeg")[:-500], "MEDIA_CORRUPT"),
        (lambda: pictures.encoded(pictures.quarters(), "image/png"), "TYPE_MISMATCH"),
        (lambda: b"hello", "TYPE_MISMATCH"),
    ],
    ids=["cut", "other type", "text"],
)
async def test_rejected(app: MediaApp, parts: Parts, make: Callable[[], bytes], reason: str) -> None:
    """An unusable file is REJECTED with a reason and an event, and its bytes are deleted."""
    owner = new_user()
    media_id = await app.upload(owner, "image/jpeg", make())
    media = await app.settled(owner, media_id)
    assert media.state == media_pb2.MEDIA_STATE_REJECTED
    assert media.failure.reason == reason
    assert media.failure.message
    assert not media.renditions
    _, rejected = await app.events_of(media_id)
    assert rejected.media_rejected == event_pb2.MediaRejected(owner_id=owner, media=media)
    assert (await app.complete(owner, media_id)) == media
    original_key = (await _stored(parts, media_id)).original_key
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await parts.objects.head(original_key) is not None:  # noqa: ASYNC110 - S3 has no event to wait for
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("worker")
async def test_bomb(app: MediaApp) -> None:
    """A header with too many pixels is refused without decoding."""
    owner = new_user()
    media_id = await app.upload(owner, "image/png", pictures.png_header(30_000, 30_000))
    assert (await app.settled(owner, media_id)).failure.reason == "MEDIA_TOO_LARGE"


async def test_repeated(app: MediaApp, parts: Parts) -> None:
    """Repeated and concurrent events change nothing and cause no further events."""
    owner = new_user()
    media_id = await app.upload(owner, "image/png", pictures.encoded(pictures.quarters(), "image/png"))
    make = _maker(parts)
    costs = await asyncio.gather(*(make(PublicId.parse(media_id)) for _ in range(3)))
    assert costs == [photo_cost(120 * 80)] * 3
    media = await app.get(owner, media_id)
    assert media.state == media_pb2.MEDIA_STATE_READY
    assert await make(PublicId.parse(media_id)) == HEADER
    assert await app.get(owner, media_id) == media
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]


async def test_large(app: MediaApp, parts: Parts) -> None:
    """A large photo goes to the other queue with an estimate, and stays PROCESSING."""
    owner, added = new_user(), []

    async def refuse(*_: object) -> Rendered:
        raise LargePictureError

    async def add(media_id: PublicId, cost: int) -> None:
        added.append((str(media_id), cost))

    media_id = await app.upload(owner, "image/png", pictures.encoded(pictures.quarters(), "image/png"))
    make = MakeRenditions(parts.store, parts.objects, parts.events, refuse, _not_added, add)
    assert await make(PublicId.parse(media_id)) == HEADER
    assert added == [(media_id, photo_cost(LARGE_PIXELS))]
    await make.give_up(PublicId.parse(media_id))
    assert (await _stored(parts, media_id)).state is MediaState.PROCESSING


async def test_rejected_costs_most(app: MediaApp, parts: Parts) -> None:
    """A rejected photo costs as much as the largest one, whatever its header says."""
    media_id = await app.upload(new_user(), "image/png", b"no picture")
    assert await _maker(parts)(PublicId.parse(media_id)) == LARGEST_PHOTO


async def test_unknown(parts: Parts) -> None:
    """An event about an unknown or incomplete medium changes nothing."""
    absent = PublicId(new_id(), new_user())
    await _maker(parts)(absent)
    assert await parts.store.get_media([absent]) == []


async def test_original_missing(app: MediaApp, parts: Parts) -> None:
    """A missing original is not blamed on the picture."""
    owner = new_user()
    media_id = await app.upload(owner, "image/png", b"small")
    await parts.objects.delete((await _stored(parts, media_id)).original_key)
    with pytest.raises(OriginalMissingError):
        await _maker(parts)(PublicId.parse(media_id))
    assert (await _stored(parts, media_id)).state is MediaState.PROCESSING


async def test_nothing_left_on_disk(
    app: MediaApp, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture, good or bad, leaves files on disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for content in (pictures.encoded(pictures.quarters(), "image/png"), b"no picture"):
        media_id = await app.upload(new_user(), "image/png", content)
        await _maker(parts)(PublicId.parse(media_id))
        assert (await _stored(parts, media_id)).state in {MediaState.READY, MediaState.REJECTED}
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.usefixtures("worker")
async def test_poison_does_not_stop_the_worker(app: MediaApp, redis_url: str) -> None:
    """A malformed event is parked after its tries, and pictures continue meanwhile."""
    async with open_redis(redis_url) as redis:
        await STREAM.add(redis, new_record(event_pb2.MediaUploaded(media_id="no id")))
        owner = new_user()
        media_id = await app.upload(owner, "image/png", pictures.encoded(pictures.quarters(), "image/png"))
        assert (await app.settled(owner, media_id)).state == media_pb2.MEDIA_STATE_READY
        assert GROUP.encode() in {group["name"] for group in await redis.xinfo_groups(STREAM.key)}
