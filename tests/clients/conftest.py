"""One mesh for the tests of all clients, on SQLite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, clean_mesh


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh, which the tests of this folder share: make people of your own."""
    async with clean_mesh(tmp_path_factory.mktemp("mesh"), "sqlite") as mesh:
        yield mesh
