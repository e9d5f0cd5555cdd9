"""Tests of the limit of unfinished media."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio
from lensfeed.events.v1 import event_pb2
from lensfeed.media.v1 import media_pb2, media_service_pb2

from media_svc.errors import UploadsPendingError
from media_svc.events import HandleEvent
from media_svc.jobs.queue import PHOTOS, VIDEOS, JobQueue
from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState
from media_svc.queue_media import QueueMedia
from media_svc.settings import ServeSettings
from media_svc.uploads.limit_uploads import LimitUploads
from media_svc.uploads.unfinished_media import RedisUnfinishedMedia
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis
from tests.errors import reason_of
from tests.media_svc.conftest import Parts, serving
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, caller, new_user

pytestmark = pytest.mark.slow

LIMIT = 3
OLD_MS = 120_000
_EXPIRED = Failure(FailureReason.UPLOAD_EXPIRED, "The upload was not finished in time.")


@pytest_asyncio.fixture(loop_scope="session")
async def limited(settings: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run `serve` with a low limit."""
    async with serving(settings.model_copy(update={"max_unfinished_media": LIMIT})) as app:
        yield app


@pytest.fixture
async def unfinished(redis_url: str) -> AsyncIterator[RedisUnfinishedMedia]:
    """Provide the sets in Redis."""
    async with open_redis(redis_url) as redis:
        yield RedisUnfinishedMedia(redis)


async def _start(app: MediaApp, owner: int, key: str) -> str:
    request = media_service_pb2.StartUploadRequest(content_type="image/png", size_bytes=9)
    return (await app.public.StartUpload(request, metadata=(*caller(owner), ("idempotency-key", key)))).media_id


async def _add(parts: Parts, owner: int, state: MediaState) -> PublicId:
    """Add a medium whose upload began two minutes ago."""
    media_id = PublicId(new_id() - (OLD_MS << 22), owner)
    media = Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", 9, "")
    assert await parts.store.add_media(media, media.created_ms // 60_000 + 1)
    if state is not MediaState.AWAITING_UPLOAD:
        assert await parts.store.replace_media(media, uploaded := media.uploaded("etag", 1), [])
        if state is not MediaState.PROCESSING:
            assert await parts.store.replace_media(uploaded, uploaded.rejected(_EXPIRED), [])
    return media_id


async def test_too_many(limited: MediaApp) -> None:
    """Of many uploads that begin at once, as many as allowed do; others are RESOURCE_EXHAUSTED. Other owners are not."""
    owner = new_user()
    started = await asyncio.gather(
        *(limited.start(owner, "image/png", 9) for _ in range(4 * LIMIT)), return_exceptions=True
    )
    refused = [each for each in started if isinstance(each, grpc.aio.AioRpcError)]
    assert len(started) - len(refused) == LIMIT
    for each in refused:
        assert (each.code(), reason_of(each)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPLOADS_PENDING_LIMIT")
        assert each.details() == "3 of your uploads are unfinished; wait until they are READY, or expire after a day"
    await limited.start(new_user(), "image/png", 9)


async def test_repeats_count_once(limited: MediaApp) -> None:
    """A repeated call with the same key counts once, and is answered even at the limit."""
    owner = new_user()
    started = [await _start(limited, owner, f"key-{number % LIMIT}") for number in range(3 * LIMIT)]
    assert started == started[:LIMIT] * 3
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _start(limited, owner, "another")
    assert reason_of(refused.value) == "UPLOADS_PENDING_LIMIT"


@pytest.mark.usefixtures("worker")
async def test_finished_ones_make_room(limited: MediaApp) -> None:
    """READY and REJECTED media no longer count; a refused upload can begin with its own key."""
    owner = new_user()
    media = [await limited.upload(owner, "image/png", b"no picture") for _ in range(LIMIT)]
    for each in media:
        assert (await limited.settled(owner, each)).state == media_pb2.MEDIA_STATE_REJECTED
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _is_refused(limited, owner, "the next"):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.1)


async def _is_refused(app: MediaApp, owner: int, key: str) -> bool:
    try:
        await _start(app, owner, key)
    except grpc.aio.AioRpcError as error:
        return reason_of(error) == "UPLOADS_PENDING_LIMIT"
    return False


async def test_what_redis_missed(parts: Parts, unfinished: RedisUnfinishedMedia) -> None:
    """At the limit the store decides: only what is uploading or processing counts, and what has just begun."""
    owner = new_user()
    states = (MediaState.AWAITING_UPLOAD, MediaState.PROCESSING, MediaState.REJECTED)
    media = [await _add(parts, owner, state) for state in states]
    limit = LimitUploads(parts.store, unfinished, limit=4)
    for each in (*media, PublicId(new_id() - (OLD_MS << 22), owner)):
        await limit(each)
    await limit(PublicId(new_id(), owner))
    await limit(PublicId(new_id(), owner))
    with pytest.raises(UploadsPendingError):
        await limit(PublicId(new_id(), owner))


async def test_the_store_is_asked_rarely(parts: Parts, unfinished: RedisUnfinishedMedia) -> None:
    """Whoever stays at the limit makes the store read their media once in a few seconds."""
    owner = new_user()
    limit = LimitUploads(parts.store, unfinished, limit=1)
    await limit(PublicId(new_id(), owner))
    with pytest.raises(UploadsPendingError):
        await limit(PublicId(new_id(), owner))
    assert await unfinished.to_check(owner) == []


async def test_without_redis(parts: Parts) -> None:
    """Without Redis, uploads begin without a limit."""
    async with open_redis("redis://127.0.0.1:1/0") as away:
        limit, owner = LimitUploads(parts.store, RedisUnfinishedMedia(away), limit=1), new_user()
        for _ in range(3):
            await limit(PublicId(new_id(), owner))


async def test_events(parts: Parts, redis_url: str, unfinished: RedisUnfinishedMedia) -> None:
    """Events queue uploaded media by their kind, only unfinished ones, and forget finished ones."""
    owner = new_user()
    waiting, finished = await _add(parts, owner, MediaState.PROCESSING), await _add(parts, owner, MediaState.REJECTED)
    assert await unfinished.add(waiting, 1)
    async with open_redis(redis_url) as redis:
        await redis.delete(*(f"{PHOTOS}:{name}" for name in ("jobs", "waiting", "turns", "leases")))
        photos = JobQueue(redis, PHOTOS)
        handle = HandleEvent(QueueMedia(parts.store, photos, JobQueue(redis, VIDEOS)), unfinished)
        for each in (waiting, finished):
            await handle(event_pb2.Event(media_uploaded=event_pb2.MediaUploaded(media_id=str(each))))
        job = await photos.take("here")
        assert job is not None
        assert job.media_id == waiting
        await photos.finish(job)
        assert await photos.take("here") is None
    ready, rejected = event_pb2.Event(), event_pb2.Event()
    ready.media_ready.media.media_id = str(waiting)
    rejected.media_rejected.media.media_id = str(finished)
    for event in (ready, rejected, event_pb2.Event(media_improved=event_pb2.MediaImproved(owner_id=owner))):
        await handle(event)
    assert await unfinished.add(PublicId(new_id(), owner), 1)
