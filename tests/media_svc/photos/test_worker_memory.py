"""Tests of the memory of a worker and its processes under the heaviest input."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import psutil
import pytest
import pytest_asyncio

from bench.media_worker import MediaWorker, running_media_worker
from devmesh.parts.bucket import S3
from media_svc.model import FailureReason, Media, MediaState
from tests.media_svc.photos.heavy_pictures import HEIGHT, WIDTH, heavy_pictures, too_heavy_pictures

pytestmark = pytest.mark.slow

MIB = 1024**2
LIMIT = 512 * MIB
# The coefficients of a 4:4:4 progressive JPEG: two bytes for each of three colours.
COEFFICIENTS = WIDTH * HEIGHT * 3 * 2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_worker(tmp_path_factory: pytest.TempPathFactory, valkey_url: str, s3: S3) -> AsyncIterator[MediaWorker]:
    """Run a worker in its own process with its own Valkey database."""
    redis_url = valkey_url.removesuffix("/0") + "/11"
    async with running_media_worker(tmp_path_factory.mktemp("worker"), redis_url, s3) as worker:
        yield worker


@dataclass
class Tree:
    """The resident memory of a process and its descendants, in bytes, sampled every few milliseconds."""

    process: psutil.Process
    peak: int = 0
    most_below: int = 0
    sizes: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Take one sample."""
        below = [_resident(each) for each in self.process.children(recursive=True)]
        self.sizes.append(_resident(self.process) + sum(below))
        self.peak = max(self.peak, self.sizes[-1])
        self.most_below = max(self.most_below, *below, 0)

    async def watch(self) -> None:
        """Sample until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.005)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:  # it has ended since
        return 0


@contextlib.contextmanager
def _watched(worker: MediaWorker) -> Iterator[Tree]:
    tree = Tree(psutil.Process(worker.pid))
    tree.look()
    watching = asyncio.create_task(tree.watch())
    try:
        yield tree
    finally:
        watching.cancel()


async def _upload(worker: MediaWorker, files: dict[str, tuple[str, bytes]]) -> dict[str, Media]:
    return {name: await worker.upload(content, content_type) for name, (content_type, content) in files.items()}


async def test_heavy_pictures(own_worker: MediaWorker) -> None:
    """50-megapixel pictures of every format, all queued at once, are rendered within 512 MiB."""
    media = await _upload(own_worker, await asyncio.to_thread(heavy_pictures))
    with _watched(own_worker) as tree:
        own_worker.announce([*media.values()])
        settled = await own_worker.settled([*media.values()])
    ready = [(each.state, each.width, each.height) for each in settled]
    assert dict(zip(media, ready, strict=True)) == dict.fromkeys(media, (MediaState.READY, WIDTH, HEIGHT))
    # The samples include the worst picture's decoding.
    assert tree.most_below > COEFFICIENTS
    assert tree.peak > tree.sizes[0] + COEFFICIENTS
    assert tree.peak < LIMIT


async def test_too_heavy_pictures(own_worker: MediaWorker) -> None:
    """Pictures that would need more are refused within 512 MiB, and the queue continues."""
    media = await _upload(own_worker, await asyncio.to_thread(too_heavy_pictures))
    with _watched(own_worker) as tree:
        own_worker.announce([*media.values()])
        settled = await own_worker.settled([*media.values()])
    reasons = [each.failure.reason if each.failure else None for each in settled]
    assert dict(zip(media, reasons, strict=True)) == dict.fromkeys(media, FailureReason.MEDIA_TOO_LARGE)
    assert tree.most_below > 0
    assert tree.peak < LIMIT
