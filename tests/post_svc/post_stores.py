"""The stores of posts, each with its outbox, opened on their own."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxStore
from meshkit.grpc.health import Check
from meshkit.service_settings import ServiceSettings
from post_svc.store import PostStore
from post_svc.store import open as stores

# Each session of tests has a keyspace of its own, and each test its own authors, media and minutes in it.
KEYSPACE_PREFIX = f"test_{secrets.token_hex(4)}"
# Far beyond what anything here takes: a schema is made in seconds.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A store and the outbox beside it."""

    posts: PostStore
    outbox: OutboxStore


def store_settings(contact_points: str | None, folder: Path) -> ServiceSettings:
    """Return the settings of a store: in a cluster, or in a folder."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=folder)
    return ServiceSettings(
        store="cassandra", cassandra_contact_points=contact_points, cassandra_keyspace_prefix=KEYSPACE_PREFIX
    )


@contextlib.asynccontextmanager
async def open_store(settings: ServiceSettings) -> AsyncIterator[OpenStore]:
    """Open the store that a service with the same settings has."""
    async with stores.open_store(settings) as opened:
        await until_it_answers(opened.check)
        yield OpenStore(opened.store, opened.outbox)


async def until_it_answers(check: Check) -> None:
    """Wait until a store is there: connecting goes on in the background."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await check()
            except UnavailableError:
                await asyncio.sleep(0.02)
