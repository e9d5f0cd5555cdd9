"""Tests of popularity and of what it changes for CDNs."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from lensfeed.media.v1 import media_internal_service_pb2

from devmesh.parts.bucket import S3
from media_svc.delivery.cache_classes import ENTER_VIEWS, CacheClass, cache_control
from media_svc.delivery.popularity import SHARDS, RedisPopularity
from media_svc.delivery.reclassify_media import ReclassifyMedia
from media_svc.delivery.remove_media import RemoveMedia
from media_svc.model import Picture, Rendition, rendition_key
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis
from tests.errors import violations_of
from tests.media_svc.conftest import Parts
from tests.media_svc.delivery.test_remove_media import _Usage
from tests.media_svc.media_app import MediaApp, new_user
from tests.s3 import s3_client

pytestmark = pytest.mark.slow

STORES = ("sqlite",)
COLD, WARM, HOT = CacheClass
PICTURE = Picture(40, 40, b"thumb", (Rendition("a.avif", "image/avif", 40, 40, 5),))


@pytest.fixture
async def popularity(redis_url: str) -> AsyncIterator[RedisPopularity]:
    """Provide empty counts."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
        yield RedisPopularity(redis)


@pytest.fixture
async def fading(redis_url: str, popularity: RedisPopularity) -> AsyncIterator[RedisPopularity]:
    """Provide counts whose half-life is a tenth of a second."""
    del popularity  # empties the database
    async with open_redis(redis_url) as redis:
        yield RedisPopularity(redis, half_life_seconds=0.1)


def _some_medium() -> PublicId:
    return PublicId(new_id(), new_user())


async def test_views_add_up(popularity: RedisPopularity) -> None:
    """Media reach a class by the sum of their views, and appear once among the changed ones."""
    media = [_some_medium() for _ in range(40)]
    assert len({each.local % SHARDS for each in media}) > 4
    for _ in range(4):
        await popularity.count(dict.fromkeys(media, round(ENTER_VIEWS[WARM] / 5)))
        assert await popularity.changed(100) == {}
    await popularity.count(dict.fromkeys(media[1:], round(ENTER_VIEWS[WARM] / 4)))
    assert await popularity.changed(100) == dict.fromkeys(media[1:], WARM)
    assert len(await popularity.changed(7)) == 7
    await popularity.count({media[1]: round(ENTER_VIEWS[HOT])})
    assert (await popularity.changed(100))[media[1]] is HOT


async def test_acknowledging_an_old_class(popularity: RedisPopularity) -> None:
    """Acknowledging a class that is out of date keeps the medium among the changed ones."""
    medium = _some_medium()
    await popularity.count({medium: round(ENTER_VIEWS[WARM] * 1.5)})
    await popularity.count({medium: round(ENTER_VIEWS[HOT])})
    await popularity.acknowledge(medium, WARM)
    assert await popularity.changed(10) == {medium: HOT}
    await popularity.acknowledge(medium, HOT)
    assert await popularity.changed(10) == {}
    await popularity.count({medium: 1})
    await popularity.review()
    assert await popularity.changed(10) == {}


async def test_views_fade(fading: RedisPopularity) -> None:
    """A medium without views falls class by class, and nothing is kept of it in the end."""
    medium = _some_medium()
    await fading.count({medium: round(ENTER_VIEWS[HOT] * 1.1)})
    seen = [await fading.changed(10)]
    async with asyncio.timeout(60):
        while seen[-1] != {medium: COLD}:
            await asyncio.sleep(0.05)
            await fading.review()
            if (changed := await fading.changed(10)) != seen[-1]:
                seen.append(changed)
    assert seen == [{medium: HOT}, {medium: WARM}, {medium: COLD}]
    await fading.acknowledge(medium, COLD)
    await fading.review()
    assert await fading.changed(10) == {}


async def test_forgotten(popularity: RedisPopularity) -> None:
    """Forgetting a medium deletes all of its counts."""
    medium = _some_medium()
    await popularity.count({medium: 10**9})
    await popularity.forget(medium)
    assert await popularity.changed(10) == {}
    await popularity.count({medium: 1})
    assert await popularity.changed(10) == {}


async def test_redis_away() -> None:
    """Without Redis, every method raises UnavailableError."""
    async with open_redis("redis://127.0.0.1:9/0") as redis:
        away = RedisPopularity(redis)
        for attempt in (
            away.count({_some_medium(): 1}),
            away.review(),
            away.changed(1),
            away.acknowledge(_some_medium(), HOT),
        ):
            with pytest.raises(UnavailableError):
                await attempt


async def _served(app: MediaApp, parts: Parts) -> PublicId:
    media_id = PublicId.parse(await app.upload(new_user(), "image/png", b"small"))
    (media,) = await parts.store.get_media([media_id])
    ready = media.ready(PICTURE.named_under(media_id))
    for each in ready.renditions:
        await parts.objects.put(rendition_key(each.name), b"bytes", each.content_type, cache_control(COLD))
    await parts.store.replace_media(media, ready, [])
    return media_id


async def _count(app: MediaApp, views: dict[str, int]) -> None:
    await app.internal.CountViews(media_internal_service_pb2.CountViewsRequest(views=views))


async def _control(s3: S3, media_id: PublicId) -> str:
    async with s3_client(s3) as client:
        found = await client.head_object(Bucket=s3.bucket, Key=rendition_key(f"{media_id}/a.avif"))
        return found["CacheControl"]


async def test_files_follow(app: MediaApp, parts: Parts, s3: S3, popularity: RedisPopularity) -> None:
    """Views reported by the feed change the Cache-Control of popular media's files, and of no others."""
    popular, other = [await _served(app, parts) for _ in range(2)]
    await _count(app, {str(popular): round(ENTER_VIEWS[HOT]), str(other): 3, "no id": 10**9})
    await ReclassifyMedia(parts.store, parts.objects, popularity, parts.erase)()
    assert await _control(s3, popular) == cache_control(HOT)
    assert await _control(s3, other) == cache_control(COLD)
    assert await popularity.changed(10) == {}


async def test_removed_and_unknown_media(app: MediaApp, parts: Parts, popularity: RedisPopularity) -> None:
    """Removed and unknown media are forgotten, and nothing is written for them."""
    removed = await _served(app, parts)
    await RemoveMedia(parts.store, _Usage(), parts.erase)(removed.owner, [str(removed)])
    await _count(app, {str(each): 10**6 for each in (removed, _some_medium())})
    await ReclassifyMedia(parts.store, parts.objects, popularity, parts.erase)()
    assert await parts.objects.list_keys(rendition_key(f"{removed}/")) == []
    assert await popularity.changed(10) == {}


@pytest.mark.parametrize("views", [{"x": 0}, {"x": -1}, {str(number): 1 for number in range(1_001)}])
async def test_invalid_views(app: MediaApp, views: dict[str, int]) -> None:
    """Negative views and too many media in one call are refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await _count(app, views)
    assert violations_of(refusal.value)
