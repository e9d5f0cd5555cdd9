"""Tests of sweeping unfinished uploads."""

import asyncio
import dataclasses

import grpc
import httpx
import pytest
from lensfeed.media.v1 import media_pb2

from media_svc.check_schedule import LAST_AGE, MINUTE_MS, URLS_EXPIRED_AGE
from media_svc.model import Media
from media_svc.settings import ServeSettings
from media_svc.store.port import SHARDS
from media_svc.uploads.rules import PART_BYTES
from media_svc.uploads.sweep_uploads import SweepUploads
from meshkit.clocks import Times
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId, id_millis
from tests.errors import reason_of
from tests.media_svc.conftest import Parts, opened_parts, serving
from tests.media_svc.media_app import MediaApp, kinds, new_user

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fresh_plans")]
LARGE = bytes(PART_BYTES + 7)


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


async def _sweep_at(parts: Parts, media_id: str, age: int) -> None:
    """Sweep when an upload has this age in minutes."""
    await parts.sweeper.sweep(id_millis(PublicId.parse(media_id).local) + age * MINUTE_MS)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one PUT", "multipart"])
async def test_finishes_complete_uploads(app: MediaApp, parts: Parts, content: bytes) -> None:
    """A complete upload is finished a minute later, without event or client."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(content))
    await app.put_all(started, content)
    await _sweep_at(parts, started.media_id, 0)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    await _sweep_at(parts, started.media_id, 1)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await app.events_of(started.media_id)) == ["media_uploaded"]


async def test_comes_back_later(app: MediaApp, parts: Parts) -> None:
    """An upload in progress is left alone, and finished after its last part."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(LARGE))
    await app.put(started.parts[1], LARGE[PART_BYTES:])
    for age in (1, 2, 4):
        await _sweep_at(parts, started.media_id, age)
        assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    await app.put(started.parts[0], LARGE[:PART_BYTES])
    await _sweep_at(parts, started.media_id, 8)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one PUT", "multipart"])
async def test_expires(app: MediaApp, parts: Parts, content: bytes) -> None:
    """An upload that is incomplete after a day expires: an event is sent, its parts are deleted, its owner sees it."""
    owner = new_user()
    started = await app.start(owner, "image/png", len(content))
    if len(started.parts) > 1:
        await app.put(started.parts[0], content[:PART_BYTES])
    await _sweep_at(parts, started.media_id, LAST_AGE - 2)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    await _sweep_at(parts, started.media_id, LAST_AGE)
    media = await app.get(owner, started.media_id)
    assert (media.state, media.failure.reason) == (media_pb2.MEDIA_STATE_REJECTED, "UPLOAD_EXPIRED")
    assert kinds(await app.events_of(started.media_id)) == ["media_rejected"]
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.complete(owner, started.media_id)
    assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refusal.value) == "UPLOAD_EXPIRED"
    stored = await _stored(parts, started.media_id)
    assert await parts.objects.head(stored.upload_key) is None
    if stored.upload_id:
        assert await parts.objects.list_parts(stored.upload_key, stored.upload_id) is None


async def test_late_but_complete(app: MediaApp, parts: Parts) -> None:
    """A complete upload is never deleted only because no sweeper ran for a day."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    await app.put_all(started, b"small")
    for _ in range(2):
        await _sweep_at(parts, started.media_id, LAST_AGE + 60)
        assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_leftovers(app: MediaApp, parts: Parts) -> None:
    """Bytes that are PUT after the upload was finished are deleted once no URL is valid; the accepted ones stay."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    await app.put_all(started, b"small")
    await app.complete(owner, started.media_id)
    assert (await app.put(started.parts[0], b"other")).status_code == httpx.codes.OK
    stored = await _stored(parts, started.media_id)
    await _sweep_at(parts, started.media_id, URLS_EXPIRED_AGE - 1)
    assert await parts.objects.head(stored.upload_key) is not None
    await _sweep_at(parts, started.media_id, URLS_EXPIRED_AGE + 2)
    assert await parts.objects.head(stored.upload_key) is None
    assert await parts.objects.head(stored.original_key) is not None


async def test_processing_is_announced_again(app: MediaApp, parts: Parts) -> None:
    """A medium that no worker has settled is announced again, and rejected after a day."""
    owner = new_user()
    media_id = await app.upload(owner, "image/png", b"small")
    await _sweep_at(parts, media_id, 8)
    assert kinds(await app.events_of(media_id)) == ["media_uploaded"]
    await _sweep_at(parts, media_id, 59)
    sent = len(await app.events_of(media_id))
    await _sweep_at(parts, media_id, 60)
    assert kinds(await app.events_of(media_id)) == ["media_uploaded"] * (sent + 1)
    await _sweep_at(parts, media_id, LAST_AGE + 60)
    media = await app.get(owner, media_id)
    assert (media.state, media.failure.reason) == (media_pb2.MEDIA_STATE_REJECTED, "MEDIA_CORRUPT")
    assert kinds(await app.events_of(media_id)) == ["media_uploaded"] * (sent + 1) + ["media_rejected"]


async def test_several_sweepers(app: MediaApp, parts: Parts) -> None:
    """Concurrent sweepers finish each upload once, and send one event per expired one."""
    owner = new_user()
    complete = [await app.start(owner, "image/png", 5) for _ in range(20)]
    for each in complete:
        await app.put_all(each, b"small")
    empty = await app.start(owner, "image/png", 5)
    second = SweepUploads(parts.store, parts.objects, parts.events, parts.finish, parts.erase)
    others = dataclasses.replace(parts, sweeper=second)
    await asyncio.gather(*(_sweep_at(each, empty.media_id, LAST_AGE) for each in (parts, others)))
    for each in complete:
        assert kinds(await app.events_of(each.media_id)) == ["media_uploaded"]
    assert kinds(await app.events_of(empty.media_id)) == ["media_rejected"]


async def test_outage(settings: ServeSettings, parts: Parts) -> None:
    """Uploads that could not be checked while S3 was down are checked afterwards."""
    owner = new_user()
    async with serving(settings) as app:
        started = await app.start(owner, "image/png", 5)
        await app.put_all(started, b"small")
        dead = settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
        async with opened_parts(dead) as cut_off:
            with pytest.raises(UnavailableError):
                await _sweep_at(cut_off, started.media_id, 1)
        await _sweep_at(parts, started.media_id, 1)
        assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_checked_every_minute_while_urls_work(app: MediaApp, parts: Parts) -> None:
    """While URLs work, an upload is checked each minute, and never twice in one."""
    owner = new_user()
    started = await app.start(owner, "image/png", 5)
    for age in range(URLS_EXPIRED_AGE - 1):
        await _sweep_at(parts, started.media_id, age)
        assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
    await app.put_all(started, b"small")
    await _sweep_at(parts, started.media_id, URLS_EXPIRED_AGE - 1)
    assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_planned_while_its_minute_runs(app: MediaApp, parts: Parts) -> None:
    """A check planned after the others of its minute were done runs when the minute is over."""
    owner = new_user()
    first = await app.start(owner, "image/png", 5)
    await _sweep_at(parts, first.media_id, 30)
    late = await app.start(owner, "image/png", 5)
    await app.put_all(late, b"small")
    media = await _stored(parts, late.media_id)
    await parts.store.plan_check(media.created_ms // MINUTE_MS + 30, media.media_id)
    await _sweep_at(parts, late.media_id, 32)
    assert (await app.get(owner, late.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_sweep_by_a_fast_clock(app: MediaApp, parts: Parts) -> None:
    """After one sweep by a clock that is an hour ahead, uploads are still found within a minute."""
    owner = new_user()
    first = await app.start(owner, "image/png", 5)
    await _sweep_at(parts, first.media_id, 60)
    late = await app.start(owner, "image/png", 5)
    await app.put_all(late, b"small")
    good = SweepUploads(parts.store, parts.objects, parts.events, parts.finish, parts.erase)
    created_ms = id_millis(PublicId.parse(late.media_id).local)
    for age in (0, 1, 2):
        await good.sweep(created_ms + age * MINUTE_MS)
    assert (await app.get(owner, late.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_sweep_refuses_clocks_that_differ(app: MediaApp, parts: Parts) -> None:
    """A sweeper whose clock differs from the others checks nothing and records nothing."""
    started = await app.start(new_user(), "image/png", 5)
    now_ms = id_millis(PublicId.parse(started.media_id).local)
    before, stopping = await parts.store.checks_done_before(), asyncio.Event()

    async def times() -> Times:
        stopping.set()
        return Times(now_ms, now_ms + 60 * MINUTE_MS)

    await SweepUploads(parts.store, parts.objects, parts.events, parts.finish, parts.erase, times).run(stopping)
    assert await parts.store.checks_done_before() == before


async def test_sweeper_downtime(app: MediaApp, parts: Parts) -> None:
    """After a day without a sweeper everything is checked, in every minute and shard."""
    owner = new_user()
    complete = [await app.start(owner, "image/png", 5) for _ in range(12)]
    for number, each in enumerate(complete):
        await app.put_all(each, b"small")
        media = await _stored(parts, each.media_id)
        await parts.store.plan_check(media.created_ms // MINUTE_MS + 97 * number, media.media_id)
    assert len({(await _stored(parts, each.media_id)).media_id.local % SHARDS for each in complete}) > 1
    await _sweep_at(parts, complete[-1].media_id, LAST_AGE)
    for each in complete:
        assert kinds(await app.events_of(each.media_id)) == ["media_uploaded"]
    now = id_millis(PublicId.parse(complete[-1].media_id).local) // MINUTE_MS
    assert await parts.store.checks_done_before() == now + LAST_AGE
