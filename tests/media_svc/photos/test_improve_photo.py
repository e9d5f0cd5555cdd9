"""Tests of compressing popular photos better."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import grpc
import httpx
import psutil
import pytest
from lensfeed.media.v1 import media_pb2, media_service_pb2
from PIL import Image
from pydantic import SecretStr

from devmesh.sample.pictures import draw_picture
from media_svc.app import serving_process
from media_svc.delivery.cache_classes import ENTER_VIEWS, CacheClass
from media_svc.delivery.popularity import RedisPopularity
from media_svc.delivery.reclassify_media import ReclassifyMedia
from media_svc.jobs.queue import PHOTOS, POPULAR_PHOTOS, JobQueue
from media_svc.jobs.worker import MAX_ATTEMPTS, WorkJobs, all_idle
from media_svc.model import Media, MediaState, rendition_key
from media_svc.photos.improve_photo import CACHE_CONTROL, ImprovePhoto
from media_svc.photos.make_renditions import MakeRenditions
from media_svc.photos.renditions import BACKGROUND_LIMITS, Rendered, RenderLimits, render
from media_svc.ports import Objects
from media_svc.sandbox.recipes import Recipe
from media_svc.settings import ServeSettings
from meshkit.grpc.server import running
from meshkit.ids import PublicId
from meshkit.redis.client import open_redis
from post_svc import app as post_app
from post_svc import settings as post_settings
from tests.media_svc.command_lines import command_of
from tests.media_svc.conftest import Parts
from tests.media_svc.jobs.leases import expire_leases
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user
from tests.media_svc.peers import Peers
from tests.post_svc.clients import App as PostApp

pytestmark = pytest.mark.slow

# The store makes no difference to photos.
STORES = ("sqlite",)
AVIF = "image/avif"
_better = partial(render, limits=BACKGROUND_LIMITS, recipe=Recipe.BETTER_AVIF)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Any]:
    """Provide a client of an empty database."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
        yield redis


@pytest.fixture
async def posts(settings: ServeSettings, tmp_path: Path) -> AsyncIterator[PostApp]:
    """Run post_svc over media_svc, and return its stub."""
    shared: dict[str, Any] = {"sqlite_dir": tmp_path, "redis_url": settings.redis_url}
    async with serving_process(settings) as media, running(media, settings) as media_addr:
        serve = post_settings.ServeSettings(
            **shared, media_addr=media_addr, follow_addr=settings.follow_addr, cursor_keys=SecretStr("a key")
        )
        work = post_settings.WorkSettings(**shared, media_addr=media_addr)
        async with (
            post_app.serving_process(serve) as serving,
            running(serving, serve) as address,
            post_app.working_process(work) as working,
            running(working, work),
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield PostApp(channel)


def _photo(width: int = 400) -> bytes:
    """Return a portrait photo that compresses well."""
    picture = Image.open(io.BytesIO(draw_picture(Random(1)))).resize((width, width * 5 // 4))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, icc_profile=None)
    return file.getvalue()


async def _ready_photo(app: MediaApp, parts: Parts, owner: int, content: bytes) -> media_pb2.Media:
    """Upload a photo and render it."""
    media_id = await app.upload(owner, "image/jpeg", content, "hills")
    await _making(parts)(PublicId.parse(media_id))
    return await app.settled(owner, media_id)


def _making(parts: Parts) -> MakeRenditions:
    rendering = partial(render, limits=RenderLimits())
    return MakeRenditions(parts.store, parts.objects, parts.events, rendering, _not_added, _not_added)


async def _not_added(media_id: PublicId, _: int) -> None:
    raise AssertionError(f"{media_id} is a small photo")


def _improving(parts: Parts, rendering: Any = _better, objects: Objects | None = None) -> ImprovePhoto:
    return ImprovePhoto(parts.store, objects or parts.objects, parts.events, rendering, parts.erase)


def _reclassifying(parts: Parts, redis: Any) -> ReclassifyMedia:
    queue = JobQueue(redis, POPULAR_PHOTOS)
    return ReclassifyMedia(parts.store, parts.objects, RedisPopularity(redis), parts.erase, queue)


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


async def _until_improved(parts: Parts, media_id: str) -> Media:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (media := await _stored(parts, media_id)).is_improvable:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.05)
        return media


def _avifs(media: media_pb2.Media) -> list[media_pb2.Rendition]:
    return [each for each in media.renditions if each.content_type == AVIF]


async def _check_files(http: httpx.AsyncClient, before: media_pb2.Media, after: media_pb2.Media) -> None:
    """Check that the replaced files are still served, and that the new ones are smaller with the same size in pixels."""
    for old, new in zip(_avifs(before), _avifs(after), strict=True):
        assert (await http.get(old.url)).status_code == httpx.codes.OK
        answer = await http.get(new.url)
        assert (answer.status_code, answer.headers["content-type"]) == (httpx.codes.OK, AVIF)
        assert answer.headers["cache-control"] == CACHE_CONTROL
        assert len(answer.content) == new.size_bytes < old.size_bytes
        assert new.url != old.url
        assert Image.open(io.BytesIO(answer.content)).size == (new.width, new.height) == (old.width, old.height)


@pytest.mark.usefixtures("worker")
async def test_popular_photo(app: MediaApp, parts: Parts, posts: PostApp, redis_url: str, sharing: Peers) -> None:
    """A hot photo gets smaller AVIFs in every place that shows it; the replaced files are still served."""
    owner = new_user()
    media_id = await app.upload(owner, "image/jpeg", _photo(), "hills")
    before = await app.settled(owner, media_id)
    post = await posts.create(owner, [media_id])
    sharing.posted.add(media_id)
    async with open_redis(redis_url) as redis:
        await RedisPopularity(redis).count({PublicId.parse(media_id): round(ENTER_VIEWS[CacheClass.HOT])})
        await _reclassifying(parts, redis)()
    stored = await _until_improved(parts, media_id)
    after = await app.get(owner, media_id)
    await _check_files(app.http, before, after)
    others = [each for each in before.renditions if each.content_type != AVIF]
    assert [each for each in after.renditions if each.content_type != AVIF] == others
    assert [old.url.partition("/m/")[2] for old in _avifs(before)] == list(stored.replaced_names or ())
    request = media_service_pb2.PickRenditionRequest(media_id=media_id, width=320)
    picked = (await app.public.PickRendition(request, metadata=grpc.aio.Metadata(("accept", AVIF)))).rendition
    assert _avifs(after)[0].url == picked.url
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (shown := await posts.get(owner, post.post_id)) == post:  # noqa: ASYNC110 - it happens behind a real server
            await asyncio.sleep(0.05)
    names = [each.url.partition("/m/")[2] for each in after.renditions]
    assert [each.url.partition("/m/")[2] for each in shown.media[0].renditions] == names
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready", "media_improved"]


async def test_improved_only_once(app: MediaApp, parts: Parts, redis: Any) -> None:
    """A photo is improved once, even if the job repeats or it becomes popular again."""
    owner = new_user()
    before = await _ready_photo(app, parts, owner, _photo())
    medium, queue, popularity = PublicId.parse(before.media_id), JobQueue(redis, POPULAR_PHOTOS), RedisPopularity(redis)
    await popularity.count({medium: round(ENTER_VIEWS[CacheClass.WARM])})
    await _reclassifying(parts, redis)()
    assert await queue.take("me") is None  # not hot enough
    rendered: list[str] = []

    async def counted(folder: Path, content_type: str) -> Rendered:
        rendered.append(content_type)
        return await _better(folder, content_type)

    improve = _improving(parts, counted)
    await improve(medium)
    after = await app.get(owner, before.media_id)
    await improve(medium)
    await improve.give_up(medium)
    await popularity.count({medium: round(ENTER_VIEWS[CacheClass.HOT])})
    await _reclassifying(parts, redis)()
    assert await queue.take("me") is None
    assert rendered == ["image/jpeg"]
    assert await app.get(owner, before.media_id) == after != before
    assert kinds(await app.events_of(before.media_id)) == ["media_uploaded", "media_ready", "media_improved"]


async def test_no_smaller(app: MediaApp, parts: Parts) -> None:
    """If no candidate is smaller, the photo stays as it is and is not tried again."""
    owner = new_user()
    before = await _ready_photo(app, parts, owner, _photo(200))
    keys = await parts.objects.list_keys(rendition_key(before.media_id))
    await _improving(parts, partial(render, limits=RenderLimits()))(PublicId.parse(before.media_id))
    assert await app.get(owner, before.media_id) == before
    assert await parts.objects.list_keys(rendition_key(before.media_id)) == keys
    assert (await _stored(parts, before.media_id)).replaced_names == ()
    assert kinds(await app.events_of(before.media_id)) == ["media_uploaded", "media_ready"]


async def test_too_slow(app: MediaApp, parts: Parts) -> None:
    """A photo that exceeds the time limit stays READY as it is and is not tried again."""
    owner = new_user()
    before = await _ready_photo(app, parts, owner, _photo(200))
    impatient = partial(render, limits=RenderLimits(wall_seconds=0.01), recipe=Recipe.BETTER_AVIF)
    await _improving(parts, impatient)(PublicId.parse(before.media_id))
    assert await app.get(owner, before.media_id) == before
    assert not (await _stored(parts, before.media_id)).is_improvable


async def test_removed_meanwhile(app: MediaApp, parts: Parts) -> None:
    """A photo removed during the rendering leaves no files."""
    owner = new_user()
    before = await _ready_photo(app, parts, owner, _photo(200))

    async def render_slowly(folder: Path, content_type: str) -> Rendered:
        made = await _better(folder, content_type)
        media = await _stored(parts, before.media_id)
        assert await parts.store.replace_media(media, media.removed(), [])
        await parts.erase(media.removed())
        return made

    await _improving(parts, render_slowly)(PublicId.parse(before.media_id))
    assert (await _stored(parts, before.media_id)).state is MediaState.REMOVED
    assert await parts.objects.list_keys(rendition_key(before.media_id)) == []


async def test_uploads_go_first(app: MediaApp, parts: Parts, redis: Any) -> None:
    """Popular photos wait while an upload waits for rendering."""
    owner, queue = new_user(), JobQueue(redis, POPULAR_PHOTOS)
    popular = await _ready_photo(app, parts, owner, _photo(200))
    await queue.add(PublicId.parse(popular.media_id))
    waiting = await app.upload(owner, "image/jpeg", _photo(200))
    uploads, stopping, asked = JobQueue(redis, PHOTOS), asyncio.Event(), 0
    await uploads.add(PublicId.parse(waiting))
    rendering = WorkJobs(uploads, _making(parts), "here", 1)
    are_idle = all_idle(rendering)

    async def is_idle() -> bool:
        nonlocal asked
        asked += 1
        return await are_idle()

    async with asyncio.timeout(PATIENCE_SECONDS):
        async with asyncio.TaskGroup() as group:
            group.create_task(WorkJobs(queue, _improving(parts), "here", 1, is_idle).run(stopping))
            while asked < 3:  # noqa: ASYNC110 - the worker asks by itself
                await asyncio.sleep(0.05)
            assert await queue.has_waiting()  # no job was taken
            group.create_task(rendering.run(stopping))
            await _until_improved(parts, popular.media_id)
            stopping.set()
    (ready,) = [each.event_id for each in await app.events_of(waiting) if each.HasField("media_ready")]
    (improved,) = [each.event_id for each in await app.events_of(popular.media_id) if each.HasField("media_improved")]
    assert ready < improved


async def test_worker_is_killed(app: MediaApp, parts: Parts, redis: Any, other_worker: Callable[[], int]) -> None:
    """A photo whose worker dies is taken over by another, and the queue is empty afterwards."""
    owner, queue = new_user(), JobQueue(redis, POPULAR_PHOTOS)
    before = await _ready_photo(app, parts, owner, _photo(720))
    await queue.add(PublicId.parse(before.media_id))
    pid = other_worker()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (children := _renderers(pid)):  # noqa: ASYNC110 - another process starts them
            await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert (await _stored(parts, before.media_id)).is_improvable
    await expire_leases(redis, POPULAR_PHOTOS)
    stopping = asyncio.Event()
    work = asyncio.create_task(WorkJobs(queue, _improving(parts), "here", 1).run(stopping))
    await _until_improved(parts, before.media_id)
    stopping.set()
    await work
    await _check_files(app.http, before, await app.get(owner, before.media_id))
    assert not await redis.exists(f"{POPULAR_PHOTOS}:jobs")
    for child in children:
        if child.is_running():
            child.kill()


def _renderers(pid: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(pid).children() if str(Recipe.BETTER_AVIF) in command_of(each)]


async def test_given_up(app: MediaApp, parts: Parts, redis: Any) -> None:
    """A photo whose workers keep dying stays as it is, so that others get their turn."""
    owner, queue = new_user(), JobQueue(redis, POPULAR_PHOTOS, lease_ms=1)
    before = await _ready_photo(app, parts, owner, _photo(200))
    await queue.add(PublicId.parse(before.media_id))
    for number in range(MAX_ATTEMPTS):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await queue.take(f"dead-{number}") is None:
                pass
    stopping = asyncio.Event()
    work = asyncio.create_task(WorkJobs(queue, _improving(parts), "here", 1).run(stopping))
    assert (await _until_improved(parts, before.media_id)).replaced_names == ()
    stopping.set()
    await work
    assert await app.get(owner, before.media_id) == before
