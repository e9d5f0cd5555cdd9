"""The Redis client for everything except the hot read path."""

import contextlib
from collections.abc import AsyncIterator
from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from meshkit.redis.cluster_client import ClusterClient
from meshkit.redis.url import RedisUrl, read_redis_url

# A command that takes longer means that Redis is in trouble. Blocking reads wait less than this.
TIMEOUT_SECONDS = 5.0
# Per server; further commands wait. Enough to keep a server busy, and a burst of events does not open a thousand.
MAX_CONNECTIONS = 64


@contextlib.asynccontextmanager
async def open_redis(url: str) -> AsyncIterator["Redis"]:
    """Open a client for a server or a cluster, with binary values. It connects at the first command."""
    read = read_redis_url(url)
    client = _open_cluster(read) if read.is_cluster else _open_server(url)
    try:
        yield client
    finally:
        await client.aclose()


def check_redis(client: "Redis") -> "CheckRedis":
    """Create the health check of a client."""
    return CheckRedis(client)


class CheckRedis:
    """Returns if Redis responds; in a cluster, if every master does."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def __call__(self) -> None:
        """Ping Redis."""
        await self._client.ping()


def _open_server(url: str) -> "Redis":
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # No hidden retries: a repeated XADD would be a second event. Callers retry where that is safe.
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def _open_cluster(url: RedisUrl) -> "Redis":
    client = ClusterClient(
        url,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )
    # Both classes have everything we use. Test suites run on both.
    return cast("Redis", client)
