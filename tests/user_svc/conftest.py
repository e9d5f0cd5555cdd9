"""Stores of each kind, and a real user_svc on each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meshkit.cassandra import Cassandra, open_cassandra
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.redis.client import open_redis
from meshkit.service_settings import ServiceSettings
from tests.served_sights import ServedSights
from tests.store_kinds import STORE_KINDS
from tests.user_svc import user_stores
from tests.user_svc.running_users import Users, running_users
from tests.user_svc.user_stores import SERVED_PREFIX, Opened, open_store, until_it_answers
from user_svc.store.cassandra import MIGRATIONS


@pytest.fixture(scope="session")
async def redis_url(valkey_url: str) -> str:
    """Return an empty database of the real Valkey for these tests alone."""
    url = valkey_url.removesuffix("/0") + "/7"
    async with open_redis(url) as redis:
        await redis.flushdb()
    return url


@pytest.fixture(scope="session", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Return the contact points of a cluster for each kind of store; None for SQLite."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest.fixture(scope="session")
async def keyspace(contact_points: str | None) -> AsyncIterator[Cassandra | None]:
    """Return the keyspace of the stores that tests open directly, if there is one."""
    if contact_points is None:
        yield None
        return
    settings = user_stores.store_settings(contact_points, Path())
    async with open_cassandra(settings, "user", MIGRATIONS, OUTBOX_MIGRATIONS) as cassandra:
        await until_it_answers(cassandra.check)
        yield cassandra


@pytest.fixture
async def store_settings(contact_points: str | None, keyspace: Cassandra | None, tmp_path: Path) -> ServiceSettings:
    """Return the settings of an empty store of each kind."""
    if keyspace is not None:
        await user_stores.empty(keyspace)
    return user_stores.store_settings(contact_points, tmp_path)


@pytest.fixture
async def opened(store_settings: ServiceSettings) -> AsyncIterator[Opened]:
    """Return an empty store of each kind."""
    async with open_store(store_settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def served_folder(contact_points: str | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the running service."""
    return tmp_path_factory.mktemp("user_svc")


@pytest.fixture(scope="session")
async def users(
    contact_points: str | None, served_folder: Path, redis_url: str, sights: ServedSights
) -> AsyncIterator[Users]:
    """Run a user_svc without a media_svc. Other tests may have created accounts in it."""
    store = user_stores.store_settings(contact_points, served_folder, SERVED_PREFIX)
    async with running_users(served_folder, store, redis_url=redis_url, follow_addr=sights.address) as users:
        yield users
