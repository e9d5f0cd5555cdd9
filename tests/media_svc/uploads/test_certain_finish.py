"""Whatever happens to events, clients and processes: an upload whose bytes are all there is settled within two minutes, once."""

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
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, some_user

SECRET = "a secret of the tests"
# What becomes of one upload besides its bytes.
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
    """What ends a process here. Nothing in it may catch that."""


class _DyingStore:
    """A store whose process dies at the write that would finish an upload."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def replace_media(self, *_: Any) -> bool:
        raise _Killed


@pytest.fixture
async def cut_off(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Give the parts of a process that cannot reach S3."""
    async with opened_parts(settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})) as parts:
        yield parts


class _Receiver:
    """The receiver of events of one process, asked as S3 asks it."""

    def __init__(self, parts: Parts) -> None:
        self._receiver = S3EventReceiver(
            "127.0.0.1:0",
            SecretStr(SECRET).get_secret_value(),
            "lensfeed-media",
            FinishByKey(parts.store, parts.finish),
        )

    async def tell(self, media_id: str) -> int:
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
    """Upload a file, and let its fate happen."""
    started = await app.start(owner, "image/png", len(content))
    media_id = started.media_id
    if fate == FATES[2]:
        assert await _Receiver(parts).tell(media_id) == httpx.codes.NO_CONTENT
    await app.put_all(started, content)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    if fate == FATES[1]:
        for _ in range(2):
            assert await _Receiver(parts).tell(media_id) == httpx.codes.NO_CONTENT
    elif fate == FATES[3]:
        calling = asyncio.create_task(app.complete(owner, media_id))
        await asyncio.sleep(random.Random(media_id).random() / 50)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    elif fate == FATES[4]:
        told = [_Receiver(parts).tell(media_id) for _ in range(2)]
        await asyncio.gather(*told, app.complete(owner, media_id), parts.finish(media, media.created_ms))
    elif fate == FATES[5] and media.upload_id:
        stored = await parts.objects.list_parts(media.upload_key, media.upload_id)
        assert stored is not None
        await parts.objects.complete_multipart(media.upload_key, media.upload_id, stored)
    elif fate in {FATES[5], FATES[6]}:
        dying = type(parts.finish)(_DyingStore(parts.store), parts.objects, parts.events)
        with pytest.raises(_Killed):
            await dying(media, media.created_ms)
    elif fate == FATES[7]:
        assert await _Receiver(cut_off).tell(media_id) == httpx.codes.SERVICE_UNAVAILABLE
    return media_id


@pytest.mark.usefixtures("fresh_plans", "worker")
async def test_every_finished_upload_is_settled_once(app: MediaApp, parts: Parts, cut_off: Parts) -> None:
    """Good and bad pictures, in one PUT and in parts: whatever befalls them, two minutes of sweeps settle them."""
    good = pictures.encoded(pictures.quarters(), "image/png")
    large = bytes(PART_BYTES + 1)
    owner = some_user()
    cases = [*zip(FATES, itertools.cycle((good, b"no picture")), strict=False), (FATES[0], large), (FATES[5], large)]
    media_ids = [await _meet(fate, app, parts, cut_off, owner, content) for fate, content in cases]
    born = [(await parts.store.get_media([PublicId.parse(each)]))[0].created_ms for each in media_ids]
    # Two processes sweep, as the clock passes the two minutes after the youngest upload.
    second = type(parts.sweeper)(parts.store, parts.objects, parts.events, parts.finish, parts.erase)
    for age in (0, 1, 2):
        await asyncio.gather(*(each.sweep(max(born) + age * MINUTE_MS) for each in (parts.sweeper, second)))
    for (fate, content), media_id in zip(cases, media_ids, strict=True):
        async with asyncio.timeout(PATIENCE_SECONDS):
            media = await app.settled(owner, media_id)
        outcome = "media_ready" if content is good else "media_rejected"
        assert kinds(await app.events_of(media_id)) == ["media_uploaded", outcome], fate
        assert bool(media.renditions) is (content is good)
