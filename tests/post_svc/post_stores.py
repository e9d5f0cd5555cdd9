"""Opens stores of posts with their outboxes."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from lensfeed.media.v1 import media_pb2

from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxStore
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings
from post_svc.manifests import medium_of
from post_svc.store import PostStore
from post_svc.store import open as stores

# Each test session has its own keyspace, and each test its own authors, media and minutes.
KEYSPACE_PREFIX = f"test_{secrets.token_hex(4)}"
# Far longer than creating a schema takes.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and its outbox."""

    posts: PostStore
    outbox: OutboxStore


def store_settings(contact_points: str | None, folder: Path) -> ServiceSettings:
    """Return the settings of a store in a cluster or a folder."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=folder)
    return ServiceSettings(
        store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=KEYSPACE_PREFIX
    )


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open the store of a service with the same settings."""
    async with stores.open_store(settings) as opened:
        await until_it_answers(opened.check)
        yield OpenStore(opened.store, opened.outbox)


async def until_it_answers(check: Check) -> None:
    """Wait until a store answers. Connecting happens in the background."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await check()
            except UnavailableError:
                await asyncio.sleep(0.02)


def manifest_with(*media_ids: str, text: str = "") -> bytes:
    """Return the manifest of a post that shows some media."""
    media = [media_pb2.Media(media_id=each, alt_text=text) for each in media_ids]
    return b"".join(medium_of(each).encoded for each in media)
