"""A real media_svc with its worker, for avatars."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
from lensfeed.media.v1 import media_internal_service_pb2_grpc, media_service_pb2_grpc
from pydantic import SecretStr

from devmesh.parts.bucket import S3
from media_svc.app import serving_process, working_process
from media_svc.settings import ServeSettings, WorkSettings
from media_svc.store.open import open_store
from meshkit.grpc.server import running
from tests.media_svc.media_app import MediaApp


@contextlib.asynccontextmanager
async def running_media(folder: Path, *, redis_url: str, s3: S3) -> AsyncIterator[tuple[MediaApp, str]]:
    """Run a media_svc with its state in a folder. Yields a client and its address."""
    settings = WorkSettings(
        sqlite_dir=folder,
        redis_url=redis_url,
        s3_endpoint_url=s3.endpoint_url,
        s3_access_key=SecretStr(s3.access_key),
        s3_secret_key=SecretStr(s3.secret_key),
        s3_bucket=s3.bucket,
        s3_region=s3.region,
    )
    serve_settings = ServeSettings(**settings.model_dump(include=set(ServeSettings.model_fields)))
    async with (
        serving_process(serve_settings) as serving,
        running(serving, serve_settings) as address,
        working_process(settings) as working,
        running(working, settings),
        grpc.aio.insecure_channel(address) as channel,
        open_store(settings) as opened,
        httpx.AsyncClient() as http,
    ):
        public = media_service_pb2_grpc.MediaServiceStub(channel)
        internal = media_internal_service_pb2_grpc.MediaInternalServiceStub(channel)
        yield MediaApp(public, internal, opened.outbox, http), address
