"""A running service with a media service beside it, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from pydantic import SecretStr

from meshkit.channels import connect
from meshkit.events import open_producer
from meshkit.redis_client import open_redis
from meshkit.server import running
from post_svc.app import serving_process
from post_svc.events import STREAM, PostEvents
from post_svc.peers import MEDIA_SERVICE, MediaService
from post_svc.publish_waiting import PublishWaiting
from post_svc.settings import ServeSettings, WorkSettings
from tests.post_svc.clients import App
from tests.post_svc.media_peer import MediaPeer, running_peer
from tests.post_svc.post_stores import OpenStore, open_store
from tests.store_kinds import STORE_KINDS


@pytest.fixture
async def peer() -> AsyncIterator[MediaPeer]:
    """Run a media service."""
    async with running_peer() as peer:
        yield peer


@pytest.fixture
async def redis_url(valkey_url: str) -> str:
    """Give an empty database of the real Valkey that only these tests use."""
    url = valkey_url.removesuffix("/0") + "/7"
    async with open_redis(url) as redis:
        await redis.flushdb()
    return url


@pytest.fixture
def settings(tmp_path: Path, peer: MediaPeer, redis_url: str) -> ServeSettings:
    """Give the settings of `serve`."""
    return ServeSettings(
        sqlite_dir=tmp_path, redis_url=redis_url, media_addr=peer.address, cursor_keys=SecretStr("a key of the tests")
    )


@pytest.fixture
def work_settings(settings: ServeSettings) -> WorkSettings:
    """Give the settings of `work` beside it."""
    return WorkSettings(sqlite_dir=settings.sqlite_dir, redis_url=settings.redis_url, media_addr=settings.media_addr)


@pytest.fixture
async def address(settings: ServeSettings) -> AsyncIterator[str]:
    """Run `serve`; give where it listens."""
    async with serving_process(settings) as process, running(process, settings) as address:
        yield address


@pytest.fixture
async def app(address: str) -> AsyncIterator[App]:
    """Call the running service."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield App(channel)


@pytest.fixture
async def beside(settings: ServeSettings) -> AsyncIterator[OpenStore]:
    """Open the running service's store once more, as another process of the service does."""
    async with open_store("sqlite", settings.sqlite_dir) as opened:
        yield opened


@pytest.fixture
async def publish_waiting(settings: ServeSettings, beside: OpenStore) -> AsyncIterator[PublishWaiting]:
    """Give what publishes waiting posts, over connections of its own, as a worker has it."""
    async with (
        open_producer(settings.redis_url, STREAM, beside.outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE) as channel,
    ):
        yield PublishWaiting(beside.posts, MediaService(channel), PostEvents(producer))


@pytest.fixture(params=STORE_KINDS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Open an empty store of each kind."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened
