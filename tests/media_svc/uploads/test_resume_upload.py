"""Tests of resuming an upload after an app crash."""

import asyncio
import time

import httpx
import pytest
from lensfeed.media.v1 import media_pb2

from devmesh.parts.bucket import S3
from media_svc.check_schedule import LAST_AGE, MINUTE_MS, URL_LIFETIME_SECONDS, URLS_EXPIRED_AGE, url_seconds
from media_svc.model import Media
from media_svc.store.port import shard_of
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.rules import PART_BYTES
from media_svc.uploads.start_upload import StartedUpload
from meshkit.ids import PublicId, id_millis
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, kinds, new_user
from tests.s3 import s3_client

LARGE = bytes(range(256)) * (2 * PART_BYTES // 256) + b"the end"


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


async def _resumed_at(parts: Parts, media_id: str, age: int) -> StartedUpload | None:
    media = await _stored(parts, media_id)
    return await ResumeUpload(parts.store, parts.objects)(media, media.created_ms + age * MINUTE_MS)


async def test_missing_parts(app: MediaApp) -> None:
    """An app that knows only the id gets the missing parts, sends them, and completes the upload."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    await app.put(started.parts[1], LARGE[PART_BYTES : 2 * PART_BYTES])
    upload = (await app.look(owner, started.media_id)).upload
    assert [(part.number, part.size_bytes) for part in upload.parts] == [(1, PART_BYTES), (3, len(b"the end"))]
    assert upload.part_size_bytes == PART_BYTES
    assert upload.size_bytes == len(LARGE)
    for part in upload.parts:
        first = (part.number - 1) * PART_BYTES
        answer = await app.put(part, LARGE[first : first + part.size_bytes])
        assert answer.status_code == httpx.codes.OK
    shown = await app.look(owner, started.media_id)
    assert shown.HasField("upload")
    assert not shown.upload.parts
    assert (await app.complete(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert not (await app.look(owner, started.media_id)).HasField("upload")


async def test_one_put(app: MediaApp) -> None:
    """A small file is either missing or complete."""
    owner = new_user()
    started = await app.start(owner, "image/webp", 5)
    (part,) = (await app.look(owner, started.media_id)).upload.parts
    assert dict(part.headers) == {"Content-Type": "image/webp"}
    assert (await app.put(part, b"sma")).status_code == httpx.codes.FORBIDDEN
    assert (await app.put(part, b"small")).status_code == httpx.codes.OK
    assert not (await app.look(owner, started.media_id)).upload.parts
    assert (await app.complete(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_fresh_urls(app: MediaApp) -> None:
    """New URLs work for a quarter of an hour, as the response says, and only for their own part."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    now = time.time()
    upload = (await app.look(owner, started.media_id)).upload
    assert -1 < upload.expires_at.ToMilliseconds() / 1000 - now - URL_LIFETIME_SECONDS < 30
    for part in upload.parts:
        url = httpx.URL(part.url)
        assert url.params["X-Amz-Expires"] == str(URL_LIFETIME_SECONDS)
        # Used for another part, upload or key, it is refused.
        for changed in (
            url.copy_merge_params({"partNumber": str(part.number + 1)}),
            url.copy_merge_params({"uploadId": "0" * 32}),
            url.copy_with(path=url.path[:-1] + "7"),
        ):
            answer = await app.http.put(changed, content=bytes(part.size_bytes))
            assert answer.status_code == httpx.codes.FORBIDDEN


async def test_put_with_an_expired_url(app: MediaApp, parts: Parts) -> None:
    """S3 refuses an expired URL."""
    started = await app.start(new_user(), "image/png", 5)
    media = await _stored(parts, started.media_id)
    put = await parts.objects.sign_put(media.upload_key, "image/png", 5, 1)
    url = httpx.URL(put.url).copy_merge_params({"X-Amz-Date": "20260101T000000Z"})
    answer = await app.http.put(url, content=b"small", headers=dict(put.headers))
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_strangers_get_no_urls(app: MediaApp) -> None:
    """Only the owner gets URLs; other users and services do not."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    (media,) = await app.batch_get(owner, [started.media_id])
    assert media.state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    await app.put_all(started, b"small")
    await app.complete(owner, started.media_id)
    assert not (await app.look(owner, started.media_id)).HasField("upload")


async def test_dropped_by_s3(app: MediaApp, parts: Parts) -> None:
    """If S3 has dropped the parts, the upload cannot be resumed."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    media = await _stored(parts, started.media_id)
    await parts.objects.abort_multipart(media.upload_key, media.upload_id)
    assert not (await app.look(owner, started.media_id)).HasField("upload")


@pytest.mark.usefixtures("fresh_plans")
async def test_late_urls_are_checked(app: MediaApp, parts: Parts) -> None:
    """Bytes uploaded hours later through new URLs are found as soon as early ones, without event or client."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    born = id_millis(PublicId.parse(started.media_id).local)
    upload = await _resumed_at(parts, started.media_id, 200)
    assert upload is not None
    for age in range(200, 200 + URLS_EXPIRED_AGE - 1):
        await parts.sweeper.sweep(born + age * MINUTE_MS)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    ((_, put),) = upload.puts
    await app.http.put(put.url, content=b"small", headers=dict(put.headers))
    await parts.sweeper.sweep(born + (200 + URLS_EXPIRED_AGE - 1) * MINUTE_MS)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await app.events_of(started.media_id)) == ["media_uploaded"]


@pytest.mark.usefixtures("fresh_plans")
async def test_leftovers_of_late_urls(app: MediaApp, parts: Parts) -> None:
    """Bytes that are PUT through a new URL after a late finish are deleted once that URL expires."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    await app.put_all(started, b"small")
    media = await _stored(parts, started.media_id)
    finished = media.created_ms + 100 * MINUTE_MS
    await parts.finish(media, finished)
    await app.put(started.parts[0], b"other")
    for age, is_there in ((100, True), (100 + URLS_EXPIRED_AGE - 1, True), (360, False)):
        await parts.sweeper.sweep(media.created_ms + age * MINUTE_MS)
        assert (await parts.objects.head(media.upload_key) is not None) is is_there


async def test_checks_are_planned_once(app: MediaApp, parts: Parts) -> None:
    """Repeated calls plan each minute's check once, and later minutes as time passes."""
    media_id = (await app.start(new_user(), "image/png", 5)).media_id
    media = await _stored(parts, media_id)
    resume = ResumeUpload(parts.store, parts.objects)
    born = media.created_ms // MINUTE_MS
    for age in (300, 300, 301, 400):
        await resume(media, media.created_ms + age * MINUTE_MS)
    shard = shard_of(media.media_id)
    planned = [
        minute - born
        for minute in range(born + 290, born + 430)
        if media.media_id in await parts.store.list_checks(minute, shard, None, 1_000)
    ]
    assert planned == [*range(301, 302 + URLS_EXPIRED_AGE), *range(401, 401 + URLS_EXPIRED_AGE)]


@pytest.mark.parametrize(
    ("age", "seconds"),
    [(0, 900), (LAST_AGE - 15, 900), (LAST_AGE - 5, 300), (LAST_AGE, 0), (LAST_AGE + 9, 0)],
)
async def test_no_url_outlives_its_upload(app: MediaApp, parts: Parts, age: int, seconds: int) -> None:
    """Near the end of the day URLs expire with the upload; after it there are none."""
    media_id = (await app.start(new_user(), "image/png", 5)).media_id
    media = await _stored(parts, media_id)
    assert url_seconds(media, media.created_ms + age * MINUTE_MS) == seconds
    upload = await _resumed_at(parts, media_id, age)
    assert (upload is not None) is (seconds > 0)
    if upload:
        assert upload.expires_ms == media.created_ms + age * MINUTE_MS + seconds * 1000


@pytest.mark.slow
async def test_the_last_put_of_a_part_counts(app: MediaApp, parts: Parts, s3: S3) -> None:
    """If S3 lists every PUT of a part, as SeaweedFS does, the last one counts."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    stored = await _stored(parts, started.media_id)
    async with s3_client(s3) as client:
        for length in range(8):
            await client.upload_part(
                Bucket=s3.bucket,
                Key=stored.upload_key,
                UploadId=stored.upload_id,
                PartNumber=1,
                Body=LARGE[:length],
            )
    await asyncio.sleep(1.1)  # S3 returns the times of parts in seconds
    await app.put_all(started, LARGE)
    assert not (await app.look(owner, started.media_id)).upload.parts
    assert (await app.complete(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
