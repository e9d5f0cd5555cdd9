"""Tests of completing an upload by the client's call."""

import asyncio

import grpc
import httpx
import pytest
from lensfeed.media.v1 import media_pb2, media_service_pb2

from media_svc.uploads.rules import PART_BYTES
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

Part = media_service_pb2.CompletedPart
LARGE = bytes(range(256)) * (PART_BYTES // 256) + b"the end"


async def _reason(app: MediaApp, user_id: int, media_id: str, parts: list[Part]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.complete(user_id, media_id, parts)
    assert refusal.value.code() in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND}
    return reason_of(refusal.value)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one PUT", "multipart"])
@pytest.mark.parametrize("names_parts", [True, False])
async def test_complete(app: MediaApp, parts: Parts, content: bytes, names_parts: bool) -> None:
    """A complete upload is finished with one event, and the accepted bytes are kept."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(content))
    done = await app.put_all(started, content)
    media = await app.complete(owner, started.media_id, done if names_parts else [])
    assert media.state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await app.events_of(started.media_id)) == ["media_uploaded"]
    (stored,) = await parts.store.get_media([PublicId.parse(started.media_id)])
    original = await parts.objects.head(stored.original_key)
    assert original is not None
    assert original.size_bytes == len(content)
    assert await parts.objects.head(stored.upload_key) is None


async def test_etags_without_quotes(app: MediaApp) -> None:
    """ETags without quotes are accepted."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    done = [Part(number=part.number, etag=part.etag.strip('"')) for part in await app.put_all(started, b"small")]
    assert done[0].etag.isalnum()
    assert (await app.complete(owner, started.media_id, done)).state == media_pb2.MEDIA_STATE_PROCESSING


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one PUT", "multipart"])
async def test_repeated(app: MediaApp, content: bytes) -> None:
    """Repeated and concurrent calls return the medium and change nothing."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(content))
    done = await app.put_all(started, content)
    together = await asyncio.gather(*(app.complete(owner, started.media_id, done) for _ in range(6)))
    assert {media.state for media in together} == {media_pb2.MEDIA_STATE_PROCESSING}
    assert await app.complete(owner, started.media_id, []) == together[0]
    assert kinds(await app.events_of(started.media_id)) == ["media_uploaded"]


@pytest.mark.parametrize("size_bytes", [5, PART_BYTES + 1], ids=["one PUT", "multipart"])
async def test_nothing_there(app: MediaApp, size_bytes: int) -> None:
    """An upload without bytes cannot be completed, but can continue."""
    owner = new_user()
    started = await app.start(owner, "image/png", size_bytes)
    assert await _reason(app, owner, started.media_id, []) == "PARTS_MISMATCH"
    await app.put_all(started, bytes(size_bytes))
    assert (await app.complete(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


@pytest.mark.slow
async def test_part_missing(app: MediaApp) -> None:
    """An upload with a missing part can be completed only once the part is there."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    first = await app.put(started.parts[0], LARGE[:PART_BYTES])
    named = Part(number=1, etag=first.headers["etag"])
    for claimed in ([], [named], [named, Part(number=2, etag="0" * 32)]):
        assert await _reason(app, owner, started.media_id, claimed) == "PARTS_MISMATCH"
    await app.put(started.parts[1], LARGE[PART_BYTES:])
    assert (await app.complete(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one PUT", "multipart"])
async def test_wrong_parts(app: MediaApp, content: bytes) -> None:
    """Parts with another ETag, another number, one too many, or one twice are refused."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(content))
    done = await app.put_all(started, content)
    last = done[-1]
    for wrong in (
        [*done[:-1], Part(number=last.number, etag="0" * 32)],
        [*done[:-1], Part(number=last.number + 7, etag=last.etag)],
        [*done, Part(number=last.number + 1, etag=last.etag)],
        [*done, last],
    ):
        assert await _reason(app, owner, started.media_id, wrong) == "PARTS_MISMATCH"
    assert not await app.events_of(started.media_id)
    assert (await app.complete(owner, started.media_id, done)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_later_put_changes_nothing(app: MediaApp, parts: Parts) -> None:
    """A URL that still works after the upload cannot reach the accepted bytes."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    await app.put_all(started, b"first")
    await app.complete(owner, started.media_id)
    assert (await app.put(started.parts[0], b"other")).status_code == httpx.codes.OK
    await app.complete(owner, started.media_id)
    (stored,) = await parts.store.get_media([PublicId.parse(started.media_id)])
    original = await parts.objects.head(stored.original_key)
    assert original is not None
    assert original.etag == "8b04d5e3775d298e78455efc5ca404d5"  # MD5 of "first"


async def test_stranger(app: MediaApp) -> None:
    """Another user's upload is not found, even once it is finished."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    done = await app.put_all(started, b"small")
    assert await _reason(app, new_user(), started.media_id, done) == "MEDIA_NOT_FOUND"
    await app.complete(owner, started.media_id, done)
    assert await _reason(app, new_user(), started.media_id, done) == "MEDIA_NOT_FOUND"


@pytest.mark.parametrize("media_id", ["", "x", "a" * 26, "A" * 26, "a" * 25 + "b", "../../etc/passwd", "ä" * 26])
async def test_no_such_upload(app: MediaApp, media_id: str) -> None:
    """Unknown and malformed ids are not found."""
    assert await _reason(app, new_user(), media_id, []) == "MEDIA_NOT_FOUND"
    assert await _reason(app, new_user(), str(PublicId(new_id(), new_user())), []) == "MEDIA_NOT_FOUND"


async def test_aborted(app: MediaApp, parts: Parts) -> None:
    """An upload whose parts were deleted at S3 has expired."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    done = await app.put_all(started, LARGE)
    (media,) = await parts.store.get_media([PublicId.parse(started.media_id)])
    await parts.objects.abort_multipart(media.upload_key, media.upload_id)
    assert await _reason(app, owner, started.media_id, done) == "UPLOAD_EXPIRED"
