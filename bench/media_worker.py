"""Runs a `media_svc work` process with its S3, Redis and store, and queues photos for it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from devmesh.parts.bucket import S3
from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running
from media_svc.events import STREAM, MediaEvents
from media_svc.model import Media, MediaKind, MediaState
from media_svc.ports import Objects
from media_svc.s3.objects import open_objects
from media_svc.settings import S3Settings
from media_svc.store.open import Opened, open_store
from meshkit.events import Producer, open_producer
from meshkit.events.outbox import MINUTE_MS
from meshkit.ids import PublicId, id_millis, new_id
from meshkit.settings import PREFIX

PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.02
_BATCH = 100


@dataclass(frozen=True, slots=True)
class MediaWorker:
    """A worker process, with the store, bucket and queue that it shares with the benchmark."""

    pid: int
    store: Opened
    objects: Objects
    producer: Producer

    async def upload(self, content: bytes, content_type: str, owner: int | None = None) -> Media:
        """Store a photo like a finished upload, of an owner of its own if none is given, without queueing it."""
        media_id = PublicId(new_id(), new_id() if owner is None else owner)
        waiting = Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, content_type, len(content), "")
        media = waiting.uploaded("etag", id_millis(media_id.local))
        await self.store.store.add_media(media, media.created_ms // MINUTE_MS)
        await self.objects.put(media.original_key, content, content_type, "private")
        return media

    def announce(self, media: Sequence[Media]) -> None:
        """Queue photos for the worker."""
        events = MediaEvents(self.producer)
        self.producer.send_soon(*(events.uploaded(each) for each in media))

    async def settled(self, media: Sequence[Media]) -> list[Media]:
        """Wait until all photos are READY or REJECTED, and return them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                now = await self.look(media)
                if not any(each.state is MediaState.PROCESSING for each in now):
                    return now
                await asyncio.sleep(POLL_SECONDS)

    async def look(self, media: Sequence[Media]) -> list[Media]:
        """Return photos as they are now."""
        batches = (media[at : at + _BATCH] for at in range(0, len(media), _BATCH))
        return [each for batch in batches for each in await self.store.store.get_media([one.media_id for one in batch])]


@contextlib.asynccontextmanager
async def running_media_worker(
    folder: Path, redis_url: str, s3: S3, settings: Mapping[str, str] | None = None
) -> AsyncIterator[MediaWorker]:
    """Run a worker with its store in `folder`. `settings` extend its environment."""
    own = S3Settings(
        redis_url=redis_url,
        sqlite_dir=folder / "sqlite",
        s3_endpoint_url=s3.endpoint_url,
        s3_access_key=SecretStr(s3.access_key),
        s3_secret_key=SecretStr(s3.secret_key),
        s3_bucket=s3.bucket,
        s3_region=s3.region,
    )
    with reserved_ports(1) as [port]:
        environment = {**_environment(own), "LENSFEED_LISTEN_ADDR": address(port), **(settings or {})}
        command = Command(
            (sys.executable, "-m", "media_svc", "work"), environment, folder, folder / "logs" / "media.log"
        )
        async with (
            open_store(own) as store,
            open_producer(redis_url, STREAM, store.outbox) as producer,
            open_objects(own) as objects,
            running("media_svc work", command, partial(grpc_serving, port)) as child,
        ):
            yield MediaWorker(child.pid, store, objects, producer)


def _environment(settings: S3Settings) -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "OTEL_"))}
    return {
        **outer,
        "LENSFEED_REDIS_URL": settings.redis_url,
        "LENSFEED_SQLITE_DIR": str(settings.sqlite_dir),
        "LENSFEED_S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
        "LENSFEED_S3_ACCESS_KEY": settings.s3_access_key.get_secret_value(),
        "LENSFEED_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "LENSFEED_S3_BUCKET": settings.s3_bucket,
        "LENSFEED_S3_REGION": settings.s3_region,
        "LENSFEED_LOG_LEVEL": "WARNING",
    }
