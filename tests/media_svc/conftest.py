"""Fixtures: a running media_svc over the real S3 and Valkey, and its parts on their own."""

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from lensfeed.media.v1 import media_internal_service_pb2_grpc, media_service_pb2_grpc
from pydantic import SecretStr

from devmesh.parts.bucket import S3
from media_svc.app import serving_process, working_process
from media_svc.delivery.erase_media import EraseMedia
from media_svc.delivery.purge_cdn import open_caches
from media_svc.events import STREAM, MediaEvents
from media_svc.ports import Objects
from media_svc.s3.objects import open_objects
from media_svc.settings import ServeSettings, WorkSettings
from media_svc.store.port import MediaStore
from media_svc.uploads.finish_upload import FinishUpload
from media_svc.uploads.sweep_uploads import SweepUploads
from meshkit.cassandra import Cassandra
from meshkit.events import open_producer
from meshkit.grpc.server import Process, running
from meshkit.redis.client import open_redis
from meshkit.service_settings import ServiceSettings
from tests.media_svc import media_stores
from tests.media_svc.media_app import MediaApp
from tests.media_svc.media_stores import OpenStore, forget_plans, open_keyspace, open_store, until_it_answers
from tests.media_svc.peers import Peers, running_peers
from tests.media_svc.reader import running_reader
from tests.served_sights import ServedSights
from tests.store_kinds import STORE_KINDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that need a store on each kind, or on the kinds in the module's `STORES`.

    Modules about S3 or pictures name one kind: for them the store makes no difference.
    """
    if "contact_points" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "STORES", STORE_KINDS)
        metafunc.parametrize("contact_points", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Provide the contact points of each store's cluster; None for a store without one."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keyspace(contact_points: str | None) -> AsyncIterator[Cassandra | None]:
    """Open the keyspace of a store that has one."""
    if contact_points is None:
        yield None
        return
    async with open_keyspace(contact_points) as cassandra:
        yield cassandra


@pytest.fixture(scope="session")
def store_settings(contact_points: str | None, tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    """Provide the settings of each kind of store, shared by all tests: use new ids and minutes, or `fresh_plans`."""
    return media_stores.store_settings(contact_points, tmp_path_factory.mktemp("media"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(store_settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open the store."""
    async with open_store(store_settings) as opened:
        yield opened


@pytest.fixture
async def fresh_plans(store_settings: ServiceSettings, keyspace: Cassandra | None) -> None:
    """Delete all planned checks and reset the sweepers' progress: another test may have swept days ahead."""
    await forget_plans(store_settings, keyspace)


@pytest.fixture(scope="session")
def redis_url(valkey_url: str) -> str:
    """Provide a database of the real Valkey that only these tests use."""
    return valkey_url.removesuffix("/0") + "/9"


@pytest.fixture(scope="session")
def shared_settings(store_settings: ServiceSettings, s3: S3, redis_url: str) -> dict[str, Any]:
    """Provide the settings that both processes need."""
    return {
        **store_settings.model_dump(exclude_unset=True),
        "redis_url": redis_url,
        "s3_endpoint_url": s3.endpoint_url,
        "s3_access_key": SecretStr(s3.access_key),
        "s3_secret_key": SecretStr(s3.secret_key),
        "s3_bucket": s3.bucket,
        "s3_region": s3.region,
    }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def reader(s3: S3) -> AsyncIterator[str]:
    """Serve renditions, as there is no edge. Provides what their URLs begin with."""
    async with running_reader(s3) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sharing() -> AsyncIterator[Peers]:
    """Serve posts and profiles, shared by all tests: add the ids of media that are to be in a post."""
    async with running_peers() as peers:
        yield peers


@pytest.fixture(scope="session")
def settings(shared_settings: dict[str, Any], reader: str, sights: ServedSights, sharing: Peers) -> ServeSettings:
    """Provide the settings of `serve`, without S3 events."""
    return ServeSettings(
        **shared_settings,
        media_base_url=reader,
        follow_addr=sights.address,
        post_addr=sharing.address,
        user_addr=sharing.address,
    )


@contextlib.asynccontextmanager
async def serving(settings: ServeSettings, *, sweeps: bool = False) -> AsyncIterator[MediaApp]:
    """Run `serve` and its stubs. It does not sweep, so that no sweep starts between a test's steps."""
    async with (
        serving_process(settings) as process,
        running(process if sweeps else _without_sweeper(process), settings) as address,
        grpc.aio.insecure_channel(address) as channel,
        open_store(settings) as opened,
        httpx.AsyncClient() as http,
    ):
        await until_it_answers(process.dependencies["store"])
        yield MediaApp(
            media_service_pb2_grpc.MediaServiceStub(channel),
            media_internal_service_pb2_grpc.MediaInternalServiceStub(channel),
            opened.outbox,
            http,
        )


def _without_sweeper(process: Process) -> Process:
    others = {name: loop for name, loop in process.background.items() if name != "uploads"}
    return dataclasses.replace(process, background=others)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(settings: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run `serve` alone, shared by all tests: uploads stay PROCESSING."""
    async with serving(settings) as app:
        yield app


@pytest.fixture
async def worker(shared_settings: dict[str, Any], redis_url: str) -> AsyncIterator[None]:
    """Run `work` in addition. It ignores what earlier tests uploaded."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
    work_settings = WorkSettings(**shared_settings)
    async with working_process(work_settings) as process, running(process, work_settings):
        await until_it_answers(process.dependencies["store"])
        yield


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of another process of the service, over the same store and bucket."""

    store: MediaStore
    objects: Objects
    events: MediaEvents
    finish: FinishUpload
    sweeper: SweepUploads
    erase: EraseMedia


@contextlib.asynccontextmanager
async def opened_parts(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Open them."""
    async with (
        open_store(settings) as opened,
        open_producer(settings.redis_url, STREAM, opened.outbox) as producer,
        open_objects(settings) as objects,
        open_caches(settings) as caches,
    ):
        store = opened.media
        events = MediaEvents(producer)
        finish = FinishUpload(store, objects, events)
        erase = EraseMedia(objects, caches)
        yield Parts(store, objects, events, finish, SweepUploads(store, objects, events, finish, erase), erase)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_parts(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Provide them, shared by all tests."""
    async with opened_parts(settings) as parts:
        yield parts


@pytest.fixture
def parts(shared_parts: Parts) -> Parts:
    """Provide them with a sweeper that has seen nothing yet."""
    shared = shared_parts
    sweeper = SweepUploads(shared.store, shared.objects, shared.events, shared.finish, shared.erase)
    return dataclasses.replace(shared, sweeper=sweeper)


@pytest.fixture
async def other_worker(
    shared_settings: dict[str, Any], redis_url: str, tmp_path: Path
) -> AsyncIterator[Callable[[], int]]:
    """Provide a function that starts `work` in another process and returns its id. It is killed at the end."""
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
    values = {
        name: each.get_secret_value() if isinstance(each, SecretStr) else str(each)
        for name, each in shared_settings.items()
    }
    env = {f"LENSFEED_{name.upper()}": value for name, value in values.items()}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> int:
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, "-m", "media_svc", "work"]
            started.append(subprocess.Popen(command, env=env | {"PATH": os.defpath}, stderr=log))
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.wait()
