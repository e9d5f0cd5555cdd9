"""What the tests of the runtime share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from meshkit.redis.client import open_redis
from tests.meshkit.events.bus import Outbox, open_outbox


@pytest.fixture(params=["one server", "three masters"])
def bus_url(request: pytest.FixtureRequest) -> str:
    """Run every test of the event bus on one server and on a cluster."""
    if request.param == "three masters":
        return str(request.getfixturevalue("valkey_cluster").url)
    return str(request.getfixturevalue("valkey_url"))


@pytest_asyncio.fixture
async def redis(bus_url: str) -> AsyncIterator["Redis"]:
    """Give a client of the shared Valkey, or of the shared cluster."""
    async with open_redis(bus_url) as client:
        yield client


@pytest_asyncio.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    """Give an outbox."""
    async with open_outbox(tmp_path / "outbox.db") as opened:
        yield opened
