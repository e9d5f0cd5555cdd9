"""One mesh for the programs of all languages, on SQLite, and a photo for them to post."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, clean_mesh
from tests.media_svc.pictures import encoded, quarters


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh, which the tests of this folder share."""
    async with clean_mesh(tmp_path_factory.mktemp("mesh"), "sqlite") as mesh:
        yield mesh


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a small JPEG."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    path.write_bytes(encoded(quarters(), "image/jpeg"))
    return path
