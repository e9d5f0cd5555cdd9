"""What the tests of the runtime share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from redis.asyncio import Redis

from meshkit.redis_client import open_redis
from tests.meshkit.bus import Outbox, open_outbox


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator["Redis"]:
    """Give a client of the shared Valkey."""
    async with open_redis(valkey_url) as client:
        yield client


@pytest_asyncio.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    """Give an outbox of the test's own."""
    async with open_outbox(tmp_path / "outbox.db") as opened:
        yield opened
