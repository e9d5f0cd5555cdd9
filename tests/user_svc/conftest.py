"""One real user_svc for the tests of its methods."""

from collections.abc import AsyncIterator

import pytest

from tests.user_svc.running_users import Users, running_users


@pytest.fixture(scope="session")
async def users(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> AsyncIterator[Users]:
    """Give a running user_svc with nobody in it but what other tests have made."""
    async with running_users(tmp_path_factory.mktemp("user_svc"), redis_url=valkey_url) as users:
        yield users
