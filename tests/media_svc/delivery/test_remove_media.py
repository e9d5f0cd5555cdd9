"""Tests of removing the media of deleted posts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from lensfeed.events.v1 import event_pb2
from pydantic import SecretStr

from media_svc.app import working_process
from media_svc.check_schedule import MINUTE_MS
from media_svc.delivery.erase_media import EraseMedia
from media_svc.delivery.purge_cdn import open_caches
from media_svc.delivery.remove_media import RemoveMedia
from media_svc.events import GROUP, POST_STREAM
from media_svc.model import Failure, FailureReason, Media, MediaState, Picture, Rendition, rendition_key
from media_svc.settings import WorkSettings
from meshkit.errors import UnavailableError
from meshkit.events import new_record
from meshkit.grpc.server import running
from meshkit.ids import PublicId
from meshkit.redis.client import open_redis
from tests.errors import reason_of
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, new_user
from tests.media_svc.media_stores import until_it_answers
from tests.media_svc.peers import Cdn, Peers, running_cdn, running_peers

pytestmark = pytest.mark.slow

PICTURE = Picture(
    40, 40, b"thumb", (Rendition("a.avif", "image/avif", 40, 40, 5), Rendition("a.jpg", "image/jpeg", 40, 40, 5))
)


class _Usage:
    """Media that a test marks as used."""

    def __init__(self, *used: str) -> None:
        self.used = set(used)

    async def filter_used(self, owner_id: int, media_ids: Any) -> set[str]:  # noqa: ARG002 - the port defines it
        return self.used & set(media_ids)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cdn() -> AsyncIterator[Cdn]:
    """Run a CDN."""
    async with running_cdn() as cdn:
        yield cdn


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def peers() -> AsyncIterator[Peers]:
    """Run the other services."""
    async with running_peers() as peers:
        yield peers


@pytest.fixture
async def remover(shared_settings: dict[str, Any], peers: Peers, cdn: Cdn, redis_url: str) -> AsyncIterator[None]:
    """Run `work`, which handles deleted posts."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
    settings = WorkSettings(
        **shared_settings,
        post_addr=peers.address,
        user_addr=peers.address,
        cdn_purge_url=cdn.url,
        cdn_purge_token=SecretStr("purger"),
        video_concurrency=0,
    )
    async with working_process(settings) as process, running(process, settings):
        await until_it_answers(process.dependencies["store"])
        yield


async def _served(app: MediaApp, parts: Parts, owner: int) -> Media:
    """Upload the original and some files of a medium. No worker hears of it."""
    media_id = PublicId.parse((await app.start(owner, "image/png", len(b"small"))).media_id)
    (media,) = await parts.store.get_media([media_id])
    ready = media.uploaded("etag", media.created_ms).ready(PICTURE.named_under(media_id))
    await parts.objects.put(ready.original_key, b"small", "image/png", "private")
    for each in ready.renditions:
        await parts.objects.put(rendition_key(each.name), b"bytes", each.content_type, "public")
    assert await parts.store.replace_media(media, ready, [])
    return ready


async def _deleted(redis_url: str, owner: int, *media: Media) -> None:
    """Write the event of a deleted post, as post_svc does."""
    ids = [str(each.media_id) for each in media]
    async with open_redis(redis_url) as redis:
        await POST_STREAM.add(redis, new_record(event_pb2.PostDeleted(author_id=owner, place=1, media_ids=ids)))


async def _files(parts: Parts, media: Media) -> list[str]:
    keys = [key for prefix in "mo" for key in await parts.objects.list_keys(f"{prefix}/{media.media_id}/")]
    return [*keys, *([media.upload_key] if await parts.objects.head(media.upload_key) else [])]


async def _handled(redis_url: str) -> None:
    """Wait until all events are handled."""
    async with open_redis(redis_url) as redis, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            (group,) = [each for each in await redis.xinfo_groups(POST_STREAM.key) if each["name"] == GROUP.encode()]
            if group["pending"] == 0 and group["lag"] == 0:
                return
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("remover")
async def test_deleted_post(app: MediaApp, parts: Parts, redis_url: str, cdn: Cdn) -> None:
    """After a post is deleted, its media, files and originals are gone, and purged from the CDN."""
    owner = new_user()
    media = await _served(app, parts, owner)
    urls = [each.url for each in (await app.get(owner, str(media.media_id))).renditions]
    assert [(await app.http.get(url)).status_code for url in urls] == [httpx.codes.OK] * 2
    await _deleted(redis_url, owner, media)
    await _handled(redis_url)
    assert await _files(parts, media) == []
    assert [(await app.http.get(url)).status_code for url in urls] == [httpx.codes.NOT_FOUND] * 2
    for user in (owner, new_user()):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await app.get(user, str(media.media_id))
        assert reason_of(refusal.value) == "MEDIA_NOT_FOUND"
    assert await app.batch_get(owner, [str(media.media_id)]) == []
    purged = sorted(each for each in cdn.purged if str(media.media_id) in each[0])
    assert purged == [(f"PURGE /cdn/{media.media_id}/a.{ending}", "Bearer purger") for ending in ("avif", "jpg")]


@pytest.mark.usefixtures("remover")
async def test_used_elsewhere(app: MediaApp, parts: Parts, redis_url: str, peers: Peers) -> None:
    """A medium stays if another post or a profile uses it, or if it belongs to another user."""
    owner = new_user()
    posted, picture, gone = [await _served(app, parts, owner) for _ in range(3)]
    foreign = await _served(app, parts, new_user())
    peers.posted.add(str(posted.media_id))
    peers.pictures[owner] = f"https://cdn.example/m/{picture.media_id}/a.jpg"
    await _deleted(redis_url, owner, posted, picture, gone, foreign)
    await _handled(redis_url)
    for media, is_left in ((posted, True), (picture, True), (foreign, True), (gone, False)):
        assert (len(await _files(parts, media)) == 3) is is_left
        assert bool(await app.batch_get(media.media_id.owner, [str(media.media_id)])) is is_left


@pytest.mark.usefixtures("remover")
async def test_peers_or_cdn_down(app: MediaApp, parts: Parts, redis_url: str, peers: Peers, cdn: Cdn) -> None:
    """If the other services or the CDN do not answer, the removal is retried."""
    owner = new_user()
    media = await _served(app, parts, owner)
    peers.fails, cdn.fails = 2, 2
    await _deleted(redis_url, owner, media)
    await _handled(redis_url)
    assert await _files(parts, media) == []
    assert (peers.fails, cdn.fails) == (0, 0)
    assert len([each for each in cdn.purged if str(media.media_id) in each[0]]) == 2


async def _removed(parts: Parts, media: Media) -> Media:
    await RemoveMedia(parts.store, _Usage(), parts.erase)(media.media_id.owner, [str(media.media_id)])
    (found,) = await parts.store.get_media([media.media_id])
    return found


async def test_in_every_state(app: MediaApp, parts: Parts) -> None:
    """Media are removed from any state, and no later step brings them back."""
    owner = new_user()
    awaiting = PublicId.parse((await app.start(owner, "image/png", 9 * 1024 * 1024)).media_id)
    processing, rejected = [PublicId.parse(await app.upload(owner, "image/png", b"small")) for _ in range(2)]
    (media,) = await parts.store.get_media([rejected])
    await parts.store.replace_media(media, media.rejected(Failure(FailureReason.MEDIA_CORRUPT, "Broken.")), [])
    for before in await parts.store.get_media([awaiting, processing, rejected]):
        assert (await _removed(parts, before)).state is MediaState.REMOVED
        assert await _files(parts, before) == []
        assert not await parts.store.replace_media(before, before.ready(PICTURE), [])
        if before.upload_id:
            assert await parts.objects.list_parts(before.upload_key, before.upload_id) is None


async def test_repeated_event(app: MediaApp, parts: Parts) -> None:
    """Repeating the event changes nothing, and unknown media in it are ignored."""
    owner = new_user()
    media = await _served(app, parts, owner)
    remove = RemoveMedia(parts.store, _Usage(), parts.erase)
    names = ["no id", str(media.media_id), str(PublicId(7, owner))]
    await asyncio.gather(*(remove(owner, names) for _ in range(3)))
    await remove(owner, names)
    assert await _files(parts, media) == []


@pytest.mark.usefixtures("fresh_plans")
async def test_sweeper_erases_leftovers(app: MediaApp, parts: Parts, cdn: Cdn, shared_settings: dict[str, Any]) -> None:
    """The sweeper erases what could not be erased at once or was added later, even if S3 lists nothing."""
    owner = new_user()
    media = await _served(app, parts, owner)
    settings = WorkSettings(**shared_settings, cdn_purge_url=cdn.url)
    cdn.fails = 1_000
    async with open_caches(settings) as caches:
        failing = RemoveMedia(parts.store, _Usage(), EraseMedia(parts.objects, caches))
        with pytest.raises(UnavailableError):
            await failing(owner, [str(media.media_id)])
        cdn.fails = 0
        # A worker was still writing.
        await parts.objects.put(rendition_key(f"{media.media_id}/late.jpg"), b"late", "image/jpeg", "public")
        sweeper = type(parts.sweeper)(
            parts.store, parts.objects, parts.events, parts.finish, EraseMedia(parts.objects, caches)
        )
        await sweeper.sweep(media.created_ms + 3 * MINUTE_MS)
    assert await _files(parts, media) == []
    purged = {path for path, _ in cdn.purged if str(media.media_id) in path}
    assert purged == {f"PURGE /cdn/{media.media_id}/{name}" for name in ("a.avif", "a.jpg", "late.jpg")}


@pytest.mark.usefixtures("fresh_plans")
async def test_used_media_stay(app: MediaApp, parts: Parts) -> None:
    """Neither a day of sweeping nor the removal of another medium erases a medium in use."""
    owner = new_user()
    kept, other = [await _served(app, parts, owner) for _ in range(2)]
    await _removed(parts, other)
    for age in (1, 16, 60, 1_441):
        await parts.sweeper.sweep(kept.created_ms + age * MINUTE_MS)
    assert len(await _files(parts, kept)) == 3
    assert (await parts.store.get_media([kept.media_id]))[0] == kept
