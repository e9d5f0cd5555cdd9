"""An account that uploads many pictures which are small files with nearly 50 megapixels.

Before: after 60 of them, of 168 KiB each, another account's small photo was READY after 32 seconds instead of 0.3.
Now: owners take turns by pixels, large pictures are rendered apart from small ones, and an owner can have 100 unfinished media.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from PIL import Image

from bench.media_worker import MediaWorker, running_media_worker
from devmesh.parts.bucket import S3
from media_svc.model import Media, MediaState
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.slow

PICTURES = 24
# What may be done before the other's photo: what was begun before it came, and little more.
DONE_MEANWHILE = 4
GREEDY, OTHER = 1, 2
WIDTH, HEIGHT = 8_600, 5_700


def _small_file(*, progressive: bool) -> bytes:
    """Return a large picture in a small file. A progressive one with full colour needs the memory of a whole worker."""
    file = io.BytesIO()
    options = {"progressive": True, "subsampling": 0} if progressive else {}
    Image.new("RGB", (WIDTH, HEIGHT), "teal").save(file, "JPEG", quality=30, **options)
    return file.getvalue()


@pytest_asyncio.fixture(loop_scope="session")
async def worker(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, s3: S3) -> AsyncIterator[MediaWorker]:
    """Run a worker with a Valkey database of its own."""
    redis_url = valkey_url.removesuffix("/0") + "/12"
    async with running_media_worker(tmp_path_factory.mktemp("greedy"), redis_url, s3) as worker:
        yield worker


async def _until_one_is_ready(worker: MediaWorker, media: Sequence[Media]) -> None:
    async with asyncio.timeout(120):
        while not await _count(worker, media, MediaState.READY):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.02)


async def _count(worker: MediaWorker, media: Sequence[Media], state: MediaState) -> int:
    return sum(each.state is state for each in await worker.look(media))


@pytest.mark.parametrize("progressive", [False, True], ids=["many pixels", "much memory"])
async def test_others_are_served(worker: MediaWorker, progressive: bool) -> None:
    """While one account's pictures are rendered, another's small photo is READY before nearly all of the rest."""
    content = await asyncio.to_thread(_small_file, progressive=progressive)
    greedy = [await worker.upload(content, "image/jpeg", GREEDY) for _ in range(PICTURES)]
    photo = encoded(quarters(1_200, 800), "image/jpeg")
    small = await worker.upload(photo, "image/jpeg", OTHER)
    worker.announce(greedy)
    await _until_one_is_ready(worker, greedy)
    before = await _count(worker, greedy, MediaState.PROCESSING)
    worker.announce([small])
    [ready] = await worker.settled([small])
    left = await _count(worker, greedy, MediaState.PROCESSING)
    assert ready.state is MediaState.READY
    assert before > DONE_MEANWHILE
    assert before - left <= DONE_MEANWHILE
