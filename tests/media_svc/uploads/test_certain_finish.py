"""A complete upload is settled within two minutes, once, whatever happens to events, clients and processes."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from media_svc.check_schedule import MINUTE_MS
from media_svc.settings import ServeSettings
from media_svc.uploads.receive_s3_events import FinishByKey, S3EventReceiver
from media_svc.uploads.rules import PART_BYTES
from meshkit.ids import PublicId
from tests.media_svc import pictures
from tests.media_svc.conftest import Parts, opened_parts
from tests.media_svc.media_app import MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

SECRET = "a secret of the tests"
# What happens around one upload.
FATES = (
    "nobody says anything",
    "the event comes twice",
    "the event comes before the bytes, and never again",
    "the client says so, and its answer is lost",
    "all say so at once",
    "who put the parts together dies",
    "who copied the original dies",
    "the event comes while S3 is away",
)


class _Killed(BaseException):
    """Ends a process in these tests. Nothing in it may catch this."""


class _DyingStore:
    """A store whose process dies when it writes that an upload is finished."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def replace_media(self, *_: Any) -> bool:
        raise _Killed


@pytest.fixture
async def cut_off(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Provide the parts of a process that cannot reach S3."""
    async with opened_parts(settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})) as parts:
        yield parts


class _Receiver:
    """A process's receiver of events, called as S3 calls it."""

    def __init__(self, parts: Parts) -> None:
        self._receiver = S3EventReceiver(
            "127.0.0.1:0",
            SecretStr(SECRET).get_secret_value(),
            "lensfeed-media",
            FinishByKey(parts.store, parts.finish),
        )

    async def notify(self, media_id: str) -> int:
        from aiohttp import web
        from aiohttp.test_utils import TestClient, TestServer

        app = web.Application()
        app.router.add_post("/s3-events", self._receiver.receive)
        event = {"event_type": "create", "key": f"/buckets/lensfeed-media/u/{media_id}"}
        async with TestClient(TestServer(app)) as client:
            answer = await client.post(
                "/s3-events", data=json.dumps(event), headers={"Authorization": f"Bearer {SECRET}"}
            )
            return answer.status


async def _meet(fate: str, app: MediaApp, parts: Parts, cut_off: Parts, owner: int, content: bytes) -> str:
    """Upload a file with its fate."""
    started = await app.start(owner, "image/png", len(content))
    media_id = started.media_id
    if fate == FATES[2]:
        assert await _Receiver(parts).notify(media_id) == httpx.codes.NO_CONTENT
    await app.put_all(started, content)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    if fate == FATES[1]:
        for _ in range(2):
            assert await _Receiver(parts).notify(media_id) == httpx.codes.NO_CONTENT
    elif fate == FATES[3]:
        calling = asyncio.create_task(app.complete(owner, media_id))
        await asyncio.sleep(random.Random(media_id).random() / 50)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    elif fate == FATES[4]:
        calls = [_Receiver(parts).notify(media_id) for _ in range(2)]
        await asyncio.gather(*calls, app.complete(owner, media_id), parts.finish(media, media.created_ms))
    elif fate == FATES[5] and media.upload_id:
        stored = await parts.objects.list_parts(media.upload_key, media.upload_id)
        assert stored is not None
        await parts.objects.complete_multipart(media.upload_key, media.upload_id, stored)
    elif fate in {FATES[5], FATES[6]}:
        dying = type(parts.finish)(_DyingStore(parts.store), parts.objects, parts.events)
        with pytest.raises(_Killed):
            await dying(media, media.created_ms)
    elif fate == FATES[7]:
        assert await _Receiver(cut_off).notify(media_id) == httpx.codes.SERVICE_UNAVAILABLE
    return media_id


@pytest.mark.usefixtures("fresh_plans", "worker")
async def test_every_finished_upload_is_settled_once(app: MediaApp, parts: Parts, cut_off: Parts) -> None:
    """Two minutes of sweeps settle good and bad pictures, in one PUT or in parts, whatever happens to them."""
    good = pictures.encoded(pictures.quarters(), "image/png")
    large = bytes(PART_BYTES + 1)
    owner = new_user()
    cases = [*zip(FATES, itertools.cycle((good, b"no picture")), strict=False), (FATES[0], large), (FATES[5], large)]
    media_ids = [await _meet(fate, app, parts, cut_off, owner, content) for fate, content in cases]
    born = [(await parts.store.get_media([PublicId.parse(each)]))[0].created_ms for each in media_ids]
    # Two processes sweep for the two minutes after the last upload.
    second = type(parts.sweeper)(parts.store, parts.objects, parts.events, parts.finish, parts.erase)
    for age in (0, 1, 2):
        await asyncio.gather(*(each.sweep(max(born) + age * MINUTE_MS) for each in (parts.sweeper, second)))
    for (fate, content), media_id in zip(cases, media_ids, strict=True):
        media = await app.settled(owner, media_id)
        outcome = "media_ready" if content is good else "media_rejected"
        assert kinds(await app.events_of(media_id)) == ["media_uploaded", outcome], fate
        assert bool(media.renditions) is (content is good)
