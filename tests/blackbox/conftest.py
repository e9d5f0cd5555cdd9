"""One mesh for all tests here, and people on it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, Reach, processes_of, reached, running_mesh, stumbles
from tests.blackbox.people import Person, newcomer
from tests.media_svc.pictures import encoded, quarters
from tests.store_kinds import STORE_KINDS


@pytest.fixture(scope="package", params=STORE_KINDS)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Give each store in turn."""
    return str(request.param)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def mesh(store_kind: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh, which the tests of this folder share: make people of your own."""
    data = tmp_path_factory.mktemp("mesh")
    async with running_mesh(data, store_kind) as mesh:
        yield mesh
        assert await mesh.stop() == 0, "\n".join(mesh.output)
    assert processes_of(data) == []
    assert stumbles(data) == []


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def reach(mesh: Mesh) -> AsyncIterator[Reach]:
    """Give ways to its edge."""
    async with reached(mesh) as reach:
        yield reach


@pytest.fixture(scope="package")
def photo() -> bytes:
    """Give a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest_asyncio.fixture
async def ann(reach: Reach) -> Person:
    """Give somebody new."""
    return await newcomer(reach, "ann")


@pytest_asyncio.fixture
async def bob(reach: Reach) -> Person:
    """Give somebody else who is new."""
    return await newcomer(reach, "bob")


@pytest_asyncio.fixture
async def photo_of_bob(bob: Person, photo: bytes) -> str:
    """Give the id of a photo of Bob's that is READY: it may stand in any number of posts."""
    media_id = await bob.upload(photo)
    assert (await bob.finished(media_id))["state"] == "MEDIA_STATE_READY"
    return media_id
