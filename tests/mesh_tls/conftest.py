"""A mesh with mTLS, all kinds of certificates, and two users."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from devmesh.secrets.certificates import AUTHORITY, issue, load_authority, make_certificates
from meshkit.identity.parts import MeshIdentity
from tests.blackbox.clean_mesh import clean_mesh
from tests.blackbox.mesh import Mesh, Reach, reached
from tests.blackbox.people import Person, new_user
from tests.media_svc.pictures import encoded, quarters


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh with mTLS."""
    async with clean_mesh(tmp_path_factory.mktemp("mesh"), "sqlite", "--mesh-tls") as mesh:
        yield mesh


@dataclass(frozen=True)
class Certificates:
    """Folders of certificates, as LENSFEED_MESH_TLS names them."""

    own: Path
    """Of the mesh."""
    foreign: Path
    """Of another authority with the same names. They trust this mesh, so any refusal comes from the other side."""

    def of(self, part: str) -> MeshIdentity:
        """Return a part of the mesh."""
        return MeshIdentity.find(self.own, part)

    def foreign_of(self, part: str) -> MeshIdentity:
        """Return an impostor of a part."""
        return MeshIdentity.find(self.foreign, part)


@pytest.fixture(scope="package")
def certificates(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give the mesh's certificates, one of it for a stranger, and those of another authority."""
    own, foreign = mesh.data / "mesh-tls", tmp_path_factory.mktemp("foreign")
    issue(MeshIdentity("stranger", own / "stranger"), load_authority(own / AUTHORITY), dt.timedelta(days=1))
    made = make_certificates(foreign)
    for name in made:
        (foreign / name / "ca.crt").write_bytes((own / AUTHORITY / "ca.crt").read_bytes())
    return Certificates(own, foreign)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def reach(mesh: Mesh) -> AsyncIterator[Reach]:
    """Give ways to its edge."""
    async with reached(mesh) as reach:
        yield reach


@pytest.fixture(scope="package")
def photo() -> bytes:
    """Give a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def owner(reach: Reach) -> Person:
    """Give a user who owns resources."""
    return await new_user(reach, "owner")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def other(reach: Reach) -> Person:
    """Give another user."""
    return await new_user(reach, "other")
