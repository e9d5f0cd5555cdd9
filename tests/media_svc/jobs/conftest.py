"""Job queues on a real Valkey, one server or a cluster, emptied before each test."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from meshkit.redis.client import open_redis


@pytest.fixture(scope="session", params=["one server", "three masters"])
def jobs_url(request: pytest.FixtureRequest) -> str:
    """Provide a database that only these tests use, or a cluster."""
    if request.param == "three masters":
        return str(request.getfixturevalue("valkey_cluster").url)
    return str(request.getfixturevalue("redis_url"))


@pytest.fixture
async def redis(jobs_url: str) -> AsyncIterator["Redis"]:
    """Provide a client of an empty database."""
    async with open_redis(jobs_url) as redis:
        await redis.flushdb()
        yield redis
