"""One mesh for the tests of all clients, on SQLite."""

import pytest

from tests.blackbox.mesh import Mesh


@pytest.fixture(scope="session")
def mesh(sqlite_mesh: Mesh) -> Mesh:
    """Return a running mesh shared with other tests, so each test creates its own users."""
    return sqlite_mesh
