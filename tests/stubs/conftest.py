"""One mesh for the clients of all languages, on SQLite, and a photo to post."""

from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.media_svc.pictures import encoded, quarters


@pytest.fixture(scope="session")
def mesh(sqlite_mesh: Mesh) -> Mesh:
    """Return a running mesh shared with other tests."""
    return sqlite_mesh


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small JPEG."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    path.write_bytes(encoded(quarters(), "image/jpeg"))
    return path
