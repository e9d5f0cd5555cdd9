"""The graph's fixtures."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.follow_svc.graph_stores import OpenGraph, open_graph
from tests.store_kinds import STORE_KINDS


@pytest_asyncio.fixture(loop_scope="session", params=STORE_KINDS)
async def graph(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenGraph]:
    """Give an empty store of each kind."""
    async with open_graph(request.param, tmp_path) as opened:
        yield opened
