"""The graph's fixtures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.follow_svc.graph_stores import OpenGraph, open_graph
from tests.follow_svc.served_graph import ServedGraph, serving_graph, serving_users
from tests.store_kinds import STORE_KINDS


@pytest_asyncio.fixture(loop_scope="session", params=STORE_KINDS)
async def graph(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenGraph]:
    """Give an empty store of each kind."""
    async with open_graph(request.param, tmp_path) as opened:
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
