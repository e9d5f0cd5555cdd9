"""Tests of starting an upload and of its presigned URLs."""

import asyncio
from itertools import chain, repeat

import grpc
import httpx
import pytest
from lensfeed.media.v1 import media_pb2, media_service_pb2

from media_svc.settings import ServeSettings
from media_svc.uploads.rules import MAX_PHOTO_BYTES, MAX_VIDEO_BYTES, PART_BYTES, plan_parts
from media_svc.uploads.start_upload import StartUpload
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of, violations_of
from tests.media_svc.conftest import Parts, serving
from tests.media_svc.media_app import MediaApp, new_user

STORES = ("sqlite",)


async def test_small_file(app: MediaApp) -> None:
    """A file of one part is one PUT, and its medium awaits the upload."""
    owner = new_user()
    started = await app.start(owner, "image/png", 1000, "Ein Bär, 熊")
    assert [(part.number, part.size_bytes) for part in started.parts] == [(1, 1000)]
    assert PublicId.parse(started.media_id).owner == owner
    media = await app.get(owner, started.media_id)
    assert media.state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    assert (media.kind, media.alt_text) == (media_pb2.MEDIA_KIND_PHOTO, "Ein Bär, 熊")
    assert not media.renditions


async def test_large_file(app: MediaApp) -> None:
    """A larger file has parts of equal size, except the last, which add up to the file."""
    size = 2 * PART_BYTES + 5
    started = await app.start(new_user(), "image/jpeg", size)
    assert [part.number for part in started.parts] == [1, 2, 3]
    assert [part.size_bytes for part in started.parts] == [started.part_size_bytes, started.part_size_bytes, 5]
    assert len({part.url for part in started.parts}) == 3


@pytest.mark.parametrize("size", [1000, 2 * PART_BYTES])
async def test_uploads_with_one_id(parts: Parts, size: int) -> None:
    """Two uploads of one owner that draw the same id in the same millisecond become two media."""
    ids = chain(repeat(new_id(), 2), iter(new_id, None))
    start, owner = StartUpload(parts.store, parts.objects, lambda: next(ids)), new_user()
    started = await asyncio.gather(*(start(owner, "image/png", size, name) for name in ("one", "other")))
    media = [each.media for each in started]
    assert [each.alt_text for each in media] == ["one", "other"]
    assert await parts.store.get_media([each.media_id for each in media]) == media
    assert len({put.url for each in started for _, put in each.puts}) == sum(len(each.puts) for each in started)


async def test_urls_expire(app: MediaApp) -> None:
    """URLs work for a quarter of an hour, as the response says."""
    started = await app.start(new_user(), "image/png", 1000)
    lifetime_ms = (
        started.expires_at.ToMilliseconds() - PublicId.parse(started.media_id).local // 2**22 - 1_704_067_200_000
    )
    assert lifetime_ms == 15 * 60 * 1000
    assert httpx.URL(started.parts[0].url).params["X-Amz-Expires"] == "900"


async def test_put_of_another_size(app: MediaApp) -> None:
    """S3 refuses a PUT of another size than declared."""
    started = await app.start(new_user(), "image/png", 1000)
    for size in (999, 1001, 100_000):
        assert (await app.put(started.parts[0], bytes(size))).status_code == httpx.codes.FORBIDDEN
    assert (await app.put(started.parts[0], bytes(1000))).status_code == httpx.codes.OK


async def test_put_of_another_type(app: MediaApp) -> None:
    """S3 refuses a PUT of another content type than declared."""
    part = (await app.start(new_user(), "image/png", 1000)).parts[0]
    answer = await app.http.put(part.url, content=bytes(1000), headers={"Content-Type": "text/html"})
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_part_of_another_size(app: MediaApp) -> None:
    """S3 refuses a part of another size than declared."""
    started = await app.start(new_user(), "image/png", PART_BYTES + 5)
    assert (await app.put(started.parts[1], bytes(6))).status_code == httpx.codes.FORBIDDEN
    assert (await app.put(started.parts[1], bytes(5))).status_code == httpx.codes.OK


async def test_upload_is_private(app: MediaApp) -> None:
    """Nobody can read an upload, with or without the URL of the PUT."""
    started = await app.start(new_user(), "image/png", 10)
    await app.put_all(started, bytes(10))
    url = httpx.URL(started.parts[0].url)
    for each in (url, url.copy_with(query=None)):
        assert (await app.http.get(each)).status_code == httpx.codes.FORBIDDEN


async def test_public_name_of_s3(settings: ServeSettings) -> None:
    """URLs begin with the public name of S3, if it has one."""
    async with serving(settings.model_copy(update={"s3_public_url": "https://s3.example.org"})) as app:
        for size in (10, PART_BYTES + 1):
            started = await app.start(new_user(), "image/png", size)
            assert all(part.url.startswith("https://s3.example.org/lensfeed-media/u/") for part in started.parts)


@pytest.mark.parametrize("content_type", ["", "image/bmp", "image/svg+xml", "text/html", "IMAGE/PNG", "image/png; a=b"])
async def test_unsupported_type(app: MediaApp, content_type: str) -> None:
    """An unsupported type is refused with the field's name."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(new_user(), content_type, 1000)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "TYPE_UNSUPPORTED"
    assert violations_of(refusal.value) == [("content_type", "TYPE_UNSUPPORTED")]


async def test_unregistered_type(app: MediaApp) -> None:
    """The common but unregistered image/jpg is an upload of image/jpeg."""
    (part,) = (await app.start(new_user(), "image/jpg", 100)).parts
    assert dict(part.headers) == {"Content-Type": "image/jpeg"}
    assert (await app.put(part, bytes(100))).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("content_type", "size_bytes"),
    [
        ("image/jpeg", 0),
        ("image/jpeg", -1),
        ("image/jpeg", MAX_PHOTO_BYTES + 1),
        ("image/heic", 2**62),
        ("video/mp4", MAX_VIDEO_BYTES + 1),
    ],
)
async def test_size_out_of_range(app: MediaApp, content_type: str, size_bytes: int) -> None:
    """A file that is empty or too large for its kind is refused with the field's name."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(new_user(), content_type, size_bytes)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "SIZE_OUT_OF_RANGE"
    assert violations_of(refusal.value) == [("size_bytes", "SIZE_OUT_OF_RANGE")]


async def test_largest_photo(app: MediaApp) -> None:
    """A photo of exactly the limit is accepted."""
    started = await app.start(new_user(), "image/jpeg", MAX_PHOTO_BYTES)
    assert sum(part.size_bytes for part in started.parts) == MAX_PHOTO_BYTES


@pytest.mark.parametrize("content_type", ["video/mp4", "video/quicktime", "video/webm"])
async def test_video(app: MediaApp, content_type: str) -> None:
    """A video can be far larger than a photo: each of its parts has a URL."""
    started = await app.start(new_user(), content_type, MAX_VIDEO_BYTES)
    assert [part.number for part in started.parts] == list(range(1, 478))
    assert sum(part.size_bytes for part in started.parts) == MAX_VIDEO_BYTES


async def test_alt_text_too_long(app: MediaApp) -> None:
    """A description of more than 1,000 code points is refused."""
    await app.start(new_user(), "image/png", 10, "熊" * 1000)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(new_user(), "image/png", 10, "熊" * 1001)
    assert violations_of(refusal.value) == [("alt_text", "FIELD_INVALID")]


async def test_without_a_user(app: MediaApp) -> None:
    """Uploads need a token."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.public.StartUpload(media_service_pb2.StartUploadRequest(content_type="image/png", size_bytes=1))
    assert reason_of(refusal.value) == "TOKEN_MISSING"


@pytest.mark.parametrize("size_bytes", [1, PART_BYTES, PART_BYTES + 1, MAX_PHOTO_BYTES, MAX_VIDEO_BYTES])
def test_part_plan(size_bytes: int) -> None:
    """Parts are numbered from 1, never empty or too large, and never more than S3 allows."""
    parts = plan_parts(size_bytes)
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert sum(part.size_bytes for part in parts) == size_bytes
    assert {part.size_bytes for part in parts[:-1]} <= {PART_BYTES}
    assert 0 < parts[-1].size_bytes <= PART_BYTES
    assert len(parts) <= 1000
