"""Fixtures for the tests of follow_svc."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from meshkit.cassandra import Cassandra
from meshkit.service_settings import ServiceSettings
from tests.follow_svc.graph_stores import SERVED_PREFIX, GraphStores, OpenGraph, cassandra_settings, open_keyspace
from tests.follow_svc.served_graph import ServedGraph, serving_graph, serving_users
from tests.store_kinds import STORE_KINDS


@pytest.fixture(scope="session", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Return the contact points of a cluster for each kind of store; None for SQLite."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(contact_points: str | None) -> AsyncIterator[GraphStores]:
    """Return a factory of stores of each kind."""
    if contact_points is None:
        yield GraphStores(None)
        return
    async with open_keyspace(cassandra_settings(contact_points)) as cassandra:
        yield GraphStores(cassandra)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keyspace(cassandra: str) -> AsyncIterator[Cassandra]:
    """Open the graph's keyspace, for tests of Cassandra alone."""
    async with open_keyspace(cassandra_settings(cassandra)) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def graph(stores: GraphStores, tmp_path: Path) -> AsyncIterator[OpenGraph]:
    """Return an empty store of each kind."""
    await stores.empty()
    async with stores.open(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def user_addr(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> AsyncIterator[str]:
    """Return the address of one user_svc for all tests."""
    async with serving_users(tmp_path_factory.mktemp("users"), valkey_url) as address:
        yield address


@pytest.fixture(scope="session")
def served_store(contact_points: str | None, tmp_path_factory: pytest.TempPathFactory) -> ServiceSettings:
    """Return the settings of a store to serve from, of each kind. All services share its graph."""
    if contact_points is None:
        return ServiceSettings(sqlite_dir=tmp_path_factory.mktemp("graph"))
    return cassandra_settings(contact_points, SERVED_PREFIX)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(served_store: ServiceSettings, valkey_url: str, user_addr: str) -> AsyncIterator[ServedGraph]:
    """Run one follow_svc per kind of store for all tests. Each test uses its own accounts."""
    async with serving_graph(served_store, valkey_url, user_addr) as opened:
        yield opened
