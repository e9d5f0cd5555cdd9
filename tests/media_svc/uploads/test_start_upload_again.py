"""Starting an upload again with the same idempotency key, as an app does whose answer was lost."""

import asyncio

import grpc
import pytest
from lensfeed.media.v1.media_pb2 import MEDIA_STATE_PROCESSING, MEDIA_STATE_READY, MEDIA_STATE_REJECTED
from lensfeed.media.v1.media_service_pb2 import StartUploadRequest, StartUploadResponse

from media_svc.check_schedule import LAST_AGE, MINUTE_MS
from media_svc.errors import UploadExpiredError
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.rules import PART_BYTES
from media_svc.uploads.start_upload import StartUpload
from media_svc.uploads.start_upload_once import StartUploadOnce
from meshkit.ids import new_id
from tests.errors import reason_of
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, caller, new_user

STORES = ("sqlite",)
SIZE = PART_BYTES + 5


async def start(app: MediaApp, owner: int, key: str, size: int = SIZE, alt_text: str = "") -> StartUploadResponse:
    """Start an upload with a key."""
    request = StartUploadRequest(content_type="video/mp4", size_bytes=size, alt_text=alt_text)
    return await app.public.StartUpload(request, metadata=(*caller(owner), ("idempotency-key", key)))


async def test_a_repeat_returns_the_same_upload(app: MediaApp) -> None:
    """A repeat, also at the same time, gets the same medium with the same parts, and either URL works."""
    owner = new_user()
    answers = await asyncio.gather(*(start(app, owner, "key") for _ in range(4)))
    again = await start(app, owner, "key")
    assert {each.media_id for each in answers} == {again.media_id}
    for answer in answers:
        assert [(each.number, each.size_bytes) for each in answer.parts] == [(1, PART_BYTES), (2, 5)]
    assert [(each.number, each.size_bytes) for each in again.parts] == [(1, PART_BYTES), (2, 5)]
    content = bytes(SIZE)
    assert (await app.put(answers[0].parts[1], content[:5])).status_code == 200
    assert [each.number for each in (await start(app, owner, "key")).parts] == [1]
    assert (await app.put(again.parts[0], content[:PART_BYTES])).status_code == 200
    media = await app.complete(owner, again.media_id)
    assert media.state in {MEDIA_STATE_PROCESSING, MEDIA_STATE_READY, MEDIA_STATE_REJECTED}
    done = await start(app, owner, "key")
    assert (done.media_id, list(done.parts)) == (again.media_id, [])


async def test_a_key_is_bound_to_one_upload(app: MediaApp) -> None:
    """With another file the key is refused; another owner may use the same key."""
    owner = new_user()
    first = await start(app, owner, "key")
    for size, alt_text in ((SIZE + 1, ""), (SIZE, "other words")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await start(app, owner, "key", size, alt_text)
        assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
        assert reason_of(refused.value) == "IDEMPOTENCY_MISMATCH"
    assert (await start(app, new_user(), "key")).media_id != first.media_id


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_must_be_usable(app: MediaApp, key: str) -> None:
    """A key has 1 to 255 characters."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await start(app, new_user(), key)
    assert reason_of(refused.value) == "IDEMPOTENCY_KEY_INVALID"


async def test_a_repeat_finishes_what_was_begun(parts: Parts) -> None:
    """If the first call failed after binding the key, the repeat adds its medium."""
    owner, ids = new_user(), iter((new_id(), new_id()))
    begin = StartUpload(parts.store, parts.objects, lambda: next(ids))
    once = StartUploadOnce(parts.store, begin, ResumeUpload(parts.store, parts.objects))

    async def fail(*_: object) -> None:
        raise ConnectionError

    add, begin.add = begin.add, fail  # type: ignore[method-assign,assignment]  # it fails once
    with pytest.raises(ConnectionError):
        await once(owner, "image/png", 1000, "", "key")
    begin.add = add  # type: ignore[method-assign]  # as it was
    started = await once(owner, "image/png", 1000, "", "key")
    assert [part.number for part, _ in started.puts] == [1]
    assert await parts.store.get_media([started.media.media_id]) == [started.media]


async def test_a_repeat_can_come_too_late(parts: Parts) -> None:
    """Within the key's 24 hours an upload may expire, which a repeat says."""
    owner, old = new_user(), new_id() - (LAST_AGE * MINUTE_MS << 22)
    once = StartUploadOnce(
        parts.store, StartUpload(parts.store, parts.objects, lambda: old), ResumeUpload(parts.store, parts.objects)
    )
    await once(owner, "image/png", 1000, "", "key")
    with pytest.raises(UploadExpiredError):
        await once(owner, "image/png", 1000, "", "key")


async def test_a_medium_that_was_removed_is_not_uploaded_again(parts: Parts) -> None:
    """A repeat after the medium was deleted with its post returns no URLs."""
    owner = new_user()
    once = StartUploadOnce(
        parts.store, StartUpload(parts.store, parts.objects), ResumeUpload(parts.store, parts.objects)
    )
    started = await once(owner, "image/png", 1000, "", "key")
    uploaded = started.media.uploaded("etag", 1)
    assert await parts.store.replace_media(started.media, uploaded, [])
    assert await parts.store.replace_media(uploaded, uploaded.removed(), [])
    again = await once(owner, "image/png", 1000, "", "key")
    assert (again.media.media_id, again.puts) == (started.media.media_id, [])
