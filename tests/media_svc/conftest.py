"""A running media_svc over the real S3 and the real Valkey, and its parts on their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from lensfeed.media.v1 import media_internal_service_pb2_grpc, media_service_pb2_grpc
from pydantic import SecretStr

from devmesh.bucket import S3
from media_svc.app import serving_process, working_process
from media_svc.events import STREAM, MediaEvents
from media_svc.finish_upload import FinishUpload
from media_svc.ports import Objects
from media_svc.s3 import open_objects
from media_svc.settings import ServeSettings, WorkSettings
from media_svc.store.port import MediaStore
from media_svc.store.sqlite import MIGRATIONS, SqliteMediaStore
from media_svc.sweep_uploads import SweepUploads
from meshkit.events import open_producer
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.redis_client import open_redis
from meshkit.server import running
from meshkit.sqlite import open_database
from tests.media_svc.media_app import MediaApp


@pytest.fixture
async def redis_url(valkey_url: str) -> str:
    """Give an empty database of the real Valkey that only these tests use."""
    url = valkey_url.removesuffix("/0") + "/9"
    async with open_redis(url) as redis:
        await redis.flushdb()
    return url


@pytest.fixture
def places(tmp_path: Path, s3: S3, redis_url: str) -> dict[str, Any]:
    """Give the settings that both processes need."""
    return {
        "sqlite_dir": tmp_path,
        "redis_url": redis_url,
        "s3_endpoint_url": s3.endpoint_url,
        "s3_access_key": SecretStr(s3.access_key),
        "s3_secret_key": SecretStr(s3.secret_key),
        "s3_bucket": s3.bucket,
        "s3_region": s3.region,
    }


@pytest.fixture
def settings(places: dict[str, Any], s3: S3) -> ServeSettings:
    """Give the settings of `serve`, which listens to no events of S3."""
    # Without an edge, renditions are looked at where they lie.
    return ServeSettings(**places, media_base_url=f"{s3.endpoint_url}/{s3.bucket}/m")


@contextlib.asynccontextmanager
async def serving(settings: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run `serve`, and call it."""
    async with (
        serving_process(settings) as process,
        running(process, settings) as address,
        grpc.aio.insecure_channel(address) as channel,
        open_database(settings.sqlite_dir / "media_svc.db") as database,
        httpx.AsyncClient() as http,
    ):
        yield MediaApp(
            media_service_pb2_grpc.MediaServiceStub(channel),
            media_internal_service_pb2_grpc.MediaInternalServiceStub(channel),
            database,
            http,
        )


@pytest.fixture
async def app(settings: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run `serve` alone: what is uploaded stays PROCESSING."""
    async with serving(settings) as app:
        yield app


@pytest.fixture
async def worker(places: dict[str, Any]) -> AsyncIterator[None]:
    """Run `work` beside it."""
    work_settings = WorkSettings(**places)
    async with working_process(work_settings) as process, running(process, work_settings):
        yield


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a second process of the service, over the same store and bucket."""

    store: MediaStore
    objects: Objects
    events: MediaEvents
    finish: FinishUpload
    sweeper: SweepUploads


@contextlib.asynccontextmanager
async def opened_parts(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Open them."""
    async with (
        open_database(settings.sqlite_dir / "media_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database,
        open_producer(settings.redis_url, STREAM, SqliteOutbox(database)) as producer,
        open_objects(settings) as objects,
    ):
        store = SqliteMediaStore(database)
        events = MediaEvents(producer)
        finish = FinishUpload(store, objects, events)
        yield Parts(store, objects, events, finish, SweepUploads(store, objects, events, finish))


@pytest.fixture
async def parts(settings: ServeSettings) -> AsyncIterator[Parts]:
    """Give them."""
    async with opened_parts(settings) as parts:
        yield parts
