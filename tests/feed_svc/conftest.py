"""A feed over a real Redis, one server or a cluster, emptied before each test."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from meshkit.redis.client import open_redis
from meshkit.redis.mux import RedisMux, open_mux
from tests.feed_svc.world import Feed, World, close_feeds, open_feed

REDIS_KINDS = ("one server", "three masters")


@pytest.fixture(params=REDIS_KINDS)
def redis_kind(request: pytest.FixtureRequest) -> str:
    """Run every test that touches Redis on both kinds."""
    return str(request.param)


@pytest.fixture
def feed_redis_url(redis_kind: str, request: pytest.FixtureRequest) -> str:
    """Give a database that only these tests use, or a cluster."""
    if redis_kind == "three masters":
        return str(request.getfixturevalue("valkey_cluster").url)
    return str(request.getfixturevalue("valkey_url")).removesuffix("/0") + "/5"


@pytest.fixture
async def redis(feed_redis_url: str) -> AsyncIterator["Redis"]:
    """Give an empty Redis."""
    async with open_redis(feed_redis_url) as client:
        await client.flushdb()
        yield client


@pytest.fixture
async def mux(feed_redis_url: str) -> AsyncIterator[RedisMux]:
    """Give a multiplexed connection. Feeds that are opened over it end before it."""
    async with open_mux(feed_redis_url) as mux:
        yield mux
        await close_feeds()


@pytest.fixture
def feed(redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed over an empty world."""
    return open_feed(World(), redis, mux)
