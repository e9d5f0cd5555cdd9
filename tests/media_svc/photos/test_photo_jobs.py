"""Tests of the queues of photos with real workers, and of workers that die."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from lensfeed.media.v1 import media_pb2
from PIL import Image

from media_svc.jobs.queue import LARGE_PHOTOS, PHOTOS
from meshkit.redis.client import open_redis
from tests.media_svc import pictures
from tests.media_svc.jobs.leases import expire_leases
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

STORES = ("sqlite",)


async def _until_taken(redis_url: str, key: str) -> None:
    async with open_redis(redis_url) as redis, asyncio.timeout(PATIENCE_SECONDS):
        while not await redis.exists(f"{key}:leases"):  # noqa: ASYNC110 - another process takes it
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("key", [PHOTOS, LARGE_PHOTOS])
async def test_worker_is_killed(app: MediaApp, redis_url: str, other_worker: Callable[[], int], key: str) -> None:
    """A photo whose worker dies is rendered by another one, and READY once."""
    owner = new_user()
    size = (5200, 5000) if key == LARGE_PHOTOS else (3900, 3000)
    picture = pictures.noise(700, 700).resize(size, Image.Resampling.NEAREST)
    pid = other_worker()
    media_id = await app.upload(owner, "image/jpeg", pictures.encoded(picture, "image/jpeg", quality=60))
    await _until_taken(redis_url, key)
    os.kill(pid, signal.SIGKILL)
    assert (await app.get(owner, media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    async with open_redis(redis_url) as redis:
        await expire_leases(redis, key)
    other_worker()
    assert (await app.settled(owner, media_id)).state == media_pb2.MEDIA_STATE_READY
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]
    async with open_redis(redis_url) as redis, asyncio.timeout(PATIENCE_SECONDS):
        while await redis.exists(f"{key}:jobs"):  # noqa: ASYNC110 - the worker removes it after the answer
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("worker")
async def test_animated(app: MediaApp) -> None:
    """An animated picture moves from the queue of photos to that of videos."""
    owner, frames = new_user(), [pictures.quarters(), pictures.quarters().rotate(180)]
    content = pictures.encoded(frames[0], "image/png", save_all=True, append_images=frames[1:], duration=200)
    media = await app.settled(owner, await app.upload(owner, "image/png", content))
    assert (media.state, media.kind) == (media_pb2.MEDIA_STATE_READY, media_pb2.MEDIA_KIND_VIDEO)
