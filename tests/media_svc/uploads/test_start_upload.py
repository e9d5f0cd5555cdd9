"""Beginning an upload, and what its URLs allow."""

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
from tests.media_svc.media_app import MediaApp, some_user

STORES = ("sqlite",)


async def test_small_file(app: MediaApp) -> None:
    """A file of one part is one PUT, and its medium awaits it."""
    owner = some_user()
    started = await app.start(owner, "image/png", 1000, "Ein Bär, 熊")
    assert [(part.number, part.size_bytes) for part in started.parts] == [(1, 1000)]
    assert PublicId.parse(started.media_id).owner == owner
    media = await app.get(owner, started.media_id)
    assert media.state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    assert (media.kind, media.alt_text) == (media_pb2.MEDIA_KIND_PHOTO, "Ein Bär, 熊")
    assert not media.renditions


async def test_large_file(app: MediaApp) -> None:
    """A larger file comes in parts of one size but for the last, which together are the file."""
    size = 2 * PART_BYTES + 5
    started = await app.start(some_user(), "image/jpeg", size)
    assert [part.number for part in started.parts] == [1, 2, 3]
    assert [part.size_bytes for part in started.parts] == [started.part_size_bytes, started.part_size_bytes, 5]
    assert len({part.url for part in started.parts}) == 3


@pytest.mark.parametrize("size", [1000, 2 * PART_BYTES])
async def test_uploads_with_one_id(parts: Parts, size: int) -> None:
    """Two uploads of one owner that get one id, because they begin in one millisecond, are two media all the same."""
    ids = chain(repeat(new_id(), 2), iter(new_id, None))
    start, owner = StartUpload(parts.store, parts.objects, lambda: next(ids)), some_user()
    started = await asyncio.gather(*(start(owner, "image/png", size, name) for name in ("one", "other")))
    media = [each.media for each in started]
    assert [each.alt_text for each in media] == ["one", "other"]
    assert await parts.store.get_media([each.media_id for each in media]) == media
    assert len({put.url for each in started for _, put in each.puts}) == sum(len(each.puts) for each in started)


async def test_urls_expire(app: MediaApp) -> None:
    """The URLs work for a quarter of an hour, which is what the answer says."""
    started = await app.start(some_user(), "image/png", 1000)
    lifetime_ms = (
        started.expires_at.ToMilliseconds() - PublicId.parse(started.media_id).local // 2**22 - 1_704_067_200_000
    )
    assert lifetime_ms == 15 * 60 * 1000
    assert httpx.URL(started.parts[0].url).params["X-Amz-Expires"] == "900"


async def test_put_of_another_size(app: MediaApp) -> None:
    """A PUT of more or fewer bytes than were announced is refused by S3."""
    started = await app.start(some_user(), "image/png", 1000)
    for size in (999, 1001, 100_000):
        assert (await app.put(started.parts[0], bytes(size))).status_code == httpx.codes.FORBIDDEN
    assert (await app.put(started.parts[0], bytes(1000))).status_code == httpx.codes.OK


async def test_put_of_another_type(app: MediaApp) -> None:
    """A PUT with another content type than was announced is refused by S3."""
    part = (await app.start(some_user(), "image/png", 1000)).parts[0]
    answer = await app.http.put(part.url, content=bytes(1000), headers={"Content-Type": "text/html"})
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_part_of_another_size(app: MediaApp) -> None:
    """The same holds for each part of a larger file."""
    started = await app.start(some_user(), "image/png", PART_BYTES + 5)
    assert (await app.put(started.parts[1], bytes(6))).status_code == httpx.codes.FORBIDDEN
    assert (await app.put(started.parts[1], bytes(5))).status_code == httpx.codes.OK


async def test_upload_is_private(app: MediaApp) -> None:
    """What was uploaded can be read by nobody, with the URL of the PUT or without."""
    started = await app.start(some_user(), "image/png", 10)
    await app.put_all(started, bytes(10))
    url = httpx.URL(started.parts[0].url)
    for each in (url, url.copy_with(query=None)):
        assert (await app.http.get(each)).status_code == httpx.codes.FORBIDDEN


async def test_public_name_of_s3(settings: ServeSettings) -> None:
    """Where apps reach S3 by another name, URLs begin with that."""
    async with serving(settings.model_copy(update={"s3_public_url": "https://s3.example.org"})) as app:
        for size in (10, PART_BYTES + 1):
            started = await app.start(some_user(), "image/png", size)
            assert all(part.url.startswith("https://s3.example.org/lensfeed-media/u/") for part in started.parts)


@pytest.mark.parametrize("content_type", ["", "image/gif", "image/svg+xml", "text/html", "IMAGE/PNG", "image/png; a=b"])
async def test_type_off_the_list(app: MediaApp, content_type: str) -> None:
    """A type that is not on the list is refused, and the field named."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(some_user(), content_type, 1000)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "TYPE_UNSUPPORTED"
    assert violations_of(refusal.value) == [("content_type", "TYPE_UNSUPPORTED")]


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
    """A file that is empty or over its kind's limit is refused, and the field named."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(some_user(), content_type, size_bytes)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "SIZE_OUT_OF_RANGE"
    assert violations_of(refusal.value) == [("size_bytes", "SIZE_OUT_OF_RANGE")]


async def test_largest_photo(app: MediaApp) -> None:
    """A photo of exactly the limit may come."""
    started = await app.start(some_user(), "image/jpeg", MAX_PHOTO_BYTES)
    assert sum(part.size_bytes for part in started.parts) == MAX_PHOTO_BYTES


@pytest.mark.parametrize("content_type", ["video/mp4", "video/quicktime", "video/webm"])
async def test_video(app: MediaApp, content_type: str) -> None:
    """A video is taken as a photo is, and may be far larger: each of its parts has a URL."""
    started = await app.start(some_user(), content_type, MAX_VIDEO_BYTES)
    assert [part.number for part in started.parts] == list(range(1, 478))
    assert sum(part.size_bytes for part in started.parts) == MAX_VIDEO_BYTES


async def test_alt_text_too_long(app: MediaApp) -> None:
    """A description over the contract's 1,000 code points is refused."""
    await app.start(some_user(), "image/png", 10, "熊" * 1000)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.start(some_user(), "image/png", 10, "熊" * 1001)
    assert violations_of(refusal.value) == [("alt_text", "FIELD_INVALID")]


async def test_without_a_user(app: MediaApp) -> None:
    """Nobody uploads without a token."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.public.StartUpload(media_service_pb2.StartUploadRequest(content_type="image/png", size_bytes=1))
    assert reason_of(refusal.value) == "TOKEN_MISSING"


@pytest.mark.parametrize("size_bytes", [1, PART_BYTES, PART_BYTES + 1, MAX_PHOTO_BYTES, MAX_VIDEO_BYTES])
def test_part_plan(size_bytes: int) -> None:
    """Parts are numbered from 1, none is empty or over the part size, and there are never more than S3 takes."""
    parts = plan_parts(size_bytes)
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert sum(part.size_bytes for part in parts) == size_bytes
    assert {part.size_bytes for part in parts[:-1]} <= {PART_BYTES}
    assert 0 < parts[-1].size_bytes <= PART_BYTES
    assert len(parts) <= 1000
