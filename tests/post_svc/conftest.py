"""A running post_svc with a media service, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from pydantic import SecretStr

from meshkit.events import open_producer
from meshkit.grpc.channels import connect
from meshkit.grpc.server import running
from meshkit.redis.client import open_redis
from meshkit.service_settings import ServiceSettings
from post_svc.app import serving_process
from post_svc.events import STREAM, PostEvents
from post_svc.peers import MEDIA_SERVICE, MediaService
from post_svc.publish_waiting import PublishWaiting
from post_svc.settings import ServeSettings, WorkSettings
from tests.post_svc import post_stores
from tests.post_svc.clients import App
from tests.post_svc.media_peer import MediaPeer, running_peer
from tests.post_svc.post_stores import OpenStore, open_store, until_it_answers
from tests.served_sights import ServedSights
from tests.store_kinds import STORE_KINDS


@pytest.fixture
async def peer() -> AsyncIterator[MediaPeer]:
    """Run a media service."""
    async with running_peer() as peer:
        yield peer


@pytest.fixture
async def redis_url(valkey_url: str) -> str:
    """Return an empty database of the real Valkey for these tests alone."""
    url = valkey_url.removesuffix("/0") + "/7"
    async with open_redis(url) as redis:
        await redis.flushdb()
    return url


@pytest.fixture(scope="session", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Return the contact points of a cluster for each kind of store; None for SQLite."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest.fixture
def store_settings(contact_points: str | None, tmp_path: Path) -> ServiceSettings:
    """Return the settings of a store of each kind."""
    return post_stores.store_settings(contact_points, tmp_path)


@pytest.fixture
def settings(store_settings: ServiceSettings, peer: MediaPeer, sights: ServedSights, redis_url: str) -> ServeSettings:
    """Return the settings of `serve`."""
    return ServeSettings(
        **store_settings.model_dump(exclude_unset=True, exclude={"redis_url"}),
        redis_url=redis_url,
        media_addr=peer.address,
        follow_addr=sights.address,
        cursor_keys=SecretStr("a key of the tests"),
    )


@pytest.fixture
def work_settings(store_settings: ServiceSettings, settings: ServeSettings) -> WorkSettings:
    """Return the settings of a matching `work`."""
    return WorkSettings(
        **store_settings.model_dump(exclude_unset=True, exclude={"redis_url"}),
        redis_url=settings.redis_url,
        media_addr=settings.media_addr,
    )


@pytest.fixture
async def address(settings: ServeSettings) -> AsyncIterator[str]:
    """Run `serve`. Returns its address."""
    async with serving_process(settings) as process, running(process, settings) as address:
        await until_it_answers(process.dependencies["store"])
        yield address


@pytest.fixture
async def app(address: str) -> AsyncIterator[App]:
    """Return a client of the running service."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield App(channel)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(
    contact_points: str | None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenStore | None]:
    """Open the keyspace that all tests share; None for SQLite."""
    if contact_points is None:
        yield None
        return
    async with open_store(post_stores.store_settings(contact_points, tmp_path_factory.mktemp("none"))) as opened:
        yield opened


@pytest.fixture
async def opened(shared: OpenStore | None, store_settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open a store of each kind. Tests must use their own posts, media and minutes."""
    if shared is not None:
        yield shared
        return
    async with open_store(store_settings) as opened:
        yield opened


@pytest.fixture
def beside(opened: OpenStore) -> OpenStore:
    """Open the running service's store again, as a second process would."""
    return opened


@pytest.fixture
async def publish_waiting(settings: ServeSettings, beside: OpenStore) -> AsyncIterator[PublishWaiting]:
    """Return a PublishWaiting with its own connections, as a worker has."""
    async with (
        open_producer(settings.redis_url, STREAM, beside.outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE) as channel,
    ):
        yield PublishWaiting(beside.posts, MediaService(channel), PostEvents(producer))
