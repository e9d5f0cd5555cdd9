"""The Redis client of everything but the hot read path."""

import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

# A command that takes longer means that Redis is in trouble; blocking reads ask for less than this.
TIMEOUT_SECONDS = 5.0


@contextlib.asynccontextmanager
async def open_redis(url: str) -> AsyncIterator["Redis"]:
    """Open a client of binary values. It connects at the first command, and again whenever it must."""
    # No hidden retries: a repeated XADD would be a second event. Who may try again says so.
    client = Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    try:
        yield client
    finally:
        await client.aclose()


def check_redis(client: "Redis") -> "CheckRedis":
    """Make the health check of a client."""
    return CheckRedis(client)


class CheckRedis:
    """Returns when Redis answers."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def __call__(self) -> None:
        """Ask."""
        await self._client.ping()
