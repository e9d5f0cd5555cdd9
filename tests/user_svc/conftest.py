"""One real user_svc for the tests of its methods."""

from collections.abc import AsyncIterator

import pytest

from meshkit.redis_client import open_redis
from tests.user_svc.running_users import Users, running_users


@pytest.fixture(scope="session")
async def redis_url(valkey_url: str) -> str:
    """Give an empty database of the real Valkey that only these tests use."""
    url = valkey_url.removesuffix("/0") + "/7"
    async with open_redis(url) as redis:
        await redis.flushdb()
    return url


@pytest.fixture(scope="session")
async def users(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> AsyncIterator[Users]:
    """Give a running user_svc with nobody in it but what other tests have made, and without a media_svc."""
    async with running_users(tmp_path_factory.mktemp("user_svc"), redis_url=redis_url) as users:
        yield users
