"""One mesh for the tests of all clients, on SQLite."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, processes_of, running_mesh, stumbles


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh, which the tests of this folder share: make people of your own."""
    data = tmp_path_factory.mktemp("mesh")
    async with running_mesh(data, "sqlite") as mesh:
        yield mesh
        assert await mesh.stop() == 0, "\n".join(mesh.output)
    assert processes_of(data) == []
    assert stumbles(data) == []
