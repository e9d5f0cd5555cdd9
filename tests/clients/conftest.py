"""One mesh for the tests of all clients, on SQLite."""

import pytest

from tests.blackbox.mesh import Mesh


@pytest.fixture
def mesh(sqlite_mesh: Mesh) -> Mesh:
    """Give a running mesh, which many tests share: make people of your own."""
    return sqlite_mesh
