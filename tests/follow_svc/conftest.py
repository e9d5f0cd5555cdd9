"""The graph's fixtures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from meshkit.cassandra import Cassandra
from tests.follow_svc.graph_stores import GraphStores, OpenGraph, open_keyspace
from tests.follow_svc.served_graph import ServedGraph, serving_graph, serving_users
from tests.store_kinds import STORE_KINDS


@pytest.fixture(scope="session", params=STORE_KINDS)
def contact_points(request: pytest.FixtureRequest) -> str | None:
    """Give what leads to a store's cluster, for each kind of store; None for one that needs no cluster."""
    return str(request.getfixturevalue("cassandra")) if request.param == "cassandra" else None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(contact_points: str | None) -> AsyncIterator[GraphStores]:
    """Give what opens stores of each kind."""
    if contact_points is None:
        yield GraphStores(None)
        return
    async with open_keyspace(contact_points) as cassandra:
        yield GraphStores(cassandra)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def keyspace(cassandra: str) -> AsyncIterator[Cassandra]:
    """Give the graph's keyspace, for what Cassandra alone must be asked."""
    async with open_keyspace(cassandra) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def graph(stores: GraphStores, tmp_path: Path) -> AsyncIterator[OpenGraph]:
    """Give an empty store of each kind."""
    await stores.empty()
    async with stores.open(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def user_addr(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> AsyncIterator[str]:
    """Give the address of a user_svc, one for all tests of the graph."""
    async with serving_users(tmp_path_factory.mktemp("users"), valkey_url) as address:
        yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(
    tmp_path_factory: pytest.TempPathFactory, valkey_url: str, user_addr: str
) -> AsyncIterator[ServedGraph]:
    """Give a running follow_svc, one for all tests: follow with accounts of your own."""
    async with serving_graph(tmp_path_factory.mktemp("graph"), valkey_url, user_addr) as opened:
        yield opened
