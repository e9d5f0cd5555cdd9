"""Tests of the quota, from the start of an upload to the removal of its medium."""

from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from lensfeed.media.v1.media_service_pb2 import StartUploadRequest

from media_svc.check_schedule import LAST_AGE, MINUTE_MS
from media_svc.delivery.remove_media import RemoveMedia
from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState
from media_svc.settings import ServeSettings
from media_svc.uploads.rules import PART_BYTES
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of
from tests.media_svc.conftest import Parts, serving
from tests.media_svc.media_app import MediaApp, caller, new_user

pytestmark = pytest.mark.slow

QUOTA = 3 * PART_BYTES


@pytest.fixture
async def narrow(settings: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run `serve` with a quota."""
    async with serving(settings.model_copy(update={"storage_quota": QUOTA})) as app:
        yield app


class _UnusedMedia:
    async def filter_used(self, owner_id: int, media_ids: Sequence[str]) -> set[str]:  # noqa: ARG002 - as in the port
        return set()


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


async def _refused(app: MediaApp, owner: int, size: int) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.start(owner, "image/png", size)
    return refused.value


async def test_an_upload_beyond_the_quota(narrow: MediaApp) -> None:
    """It is refused with the numbers, and without a time to try again; another owner is not affected."""
    owner = new_user()
    await narrow.start(owner, "image/png", QUOTA - 10)
    error = await _refused(narrow, owner, 11)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(error) == "STORAGE_QUOTA"
    assert error.details() == f"the file has 11 bytes, but only 10 of your {QUOTA:,} are free; delete posts first"
    assert "retry-after" not in str(error.trailing_metadata())
    await narrow.start(owner, "image/png", 10)
    await narrow.start(new_user(), "image/png", QUOTA)


async def test_without_a_quota(app: MediaApp, parts: Parts) -> None:
    """Without a quota everything fits. It is counted all the same, so that a quota can be set later."""
    owner = new_user()
    for _ in range(3):
        await app.start(owner, "video/mp4", 4_000_000_000)
    assert await parts.store.used_bytes(owner) == 12_000_000_000


async def test_a_repeated_start(narrow: MediaApp, parts: Parts) -> None:
    """A start that is repeated with its key counts once, even if it used up the quota."""
    owner = new_user()
    request = StartUploadRequest(content_type="image/png", size_bytes=QUOTA)
    answers = [
        await narrow.public.StartUpload(request, metadata=(*caller(owner), ("idempotency-key", "key")))
        for _ in range(3)
    ]
    assert len({each.media_id for each in answers}) == 1
    assert await parts.store.used_bytes(owner) == QUOTA


@pytest.mark.usefixtures("fresh_plans")
async def test_an_expired_upload(narrow: MediaApp, parts: Parts) -> None:
    """An upload that expires makes room, but not before its bytes are deleted."""
    owner = new_user()
    started = await narrow.start(owner, "image/png", QUOTA)
    media = await _stored(parts, started.media_id)
    await parts.sweeper.sweep(media.created_ms + (LAST_AGE - 2) * MINUTE_MS)
    assert reason_of(await _refused(narrow, owner, 1)) == "STORAGE_QUOTA"
    await parts.sweeper.sweep(media.created_ms + (LAST_AGE + 1) * MINUTE_MS)
    assert await parts.store.used_bytes(owner) == 0
    await narrow.start(owner, "image/png", QUOTA)


async def test_a_removed_medium(narrow: MediaApp, parts: Parts) -> None:
    """A medium makes room when it is erased, once, and a rejected one keeps its room as long as its original."""
    owner = new_user()
    kept, gone = [await narrow.upload(owner, "image/png", bytes(size)) for size in (300, 20)]
    media = await _stored(parts, gone)
    await parts.store.replace_media(media, media.rejected(Failure(FailureReason.MEDIA_CORRUPT, "Broken.")), [])
    assert await parts.store.used_bytes(owner) == 320
    remove = RemoveMedia(parts.store, _UnusedMedia(), parts.erase)
    for _ in range(2):
        await remove(owner, [gone])
        assert await parts.store.used_bytes(owner) == 300
    assert (await _stored(parts, kept)).state is not MediaState.REMOVED


async def test_s3_is_not_asked_for_what_does_not_fit(settings: ServeSettings, parts: Parts) -> None:
    """A refused upload begins nothing in S3."""
    owner = new_user()
    await parts.store.add_media(
        Media(PublicId(new_id(), owner), MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", QUOTA, ""), 1
    )
    dead = settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9", "storage_quota": QUOTA})
    async with serving(dead) as app:
        assert reason_of(await _refused(app, owner, 2 * PART_BYTES)) == "STORAGE_QUOTA"
