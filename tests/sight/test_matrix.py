"""Every public method, asked by every kind of viewer: nobody sees more than they may."""

import dataclasses
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.rpcs import RPCS, Rpc
from tests.sight.asking import outcome_of
from tests.sight.mesh import SightMesh, sight_mesh
from tests.sight.rows import ROWS, Row
from tests.sight.scenes import Relation, Scene, Visibility, new_scene

pytestmark = pytest.mark.slow
METHODS = tuple(rpc for rpc in RPCS if not rpc.is_internal)
CELLS = tuple(
    pytest.param(rpc, each, relation, visibility, id=f"{rpc.name}{number or ''}-{relation}-{visibility}")
    for rpc in METHODS
    for number, each in enumerate(ROWS.get(rpc.path, ()))
    for relation, visibility in itertools.product(Relation, Visibility)
    # Nobody has to ask a public account.
    if (relation, visibility) != (Relation.REQUESTED, Visibility.PUBLIC)
)


@dataclasses.dataclass(slots=True)
class Stage:
    """The services, and scenes that rows share unless they change them."""

    mesh: SightMesh
    shared: dict[tuple[Relation, Visibility], Scene]

    async def scene(self, relation: Relation, visibility: Visibility, *, is_new: bool) -> Scene:
        """Return a scene."""
        key = (relation, visibility)
        if is_new or key not in self.shared:
            made = await new_scene(self.mesh, relation, visibility)
            return made if is_new else self.shared.setdefault(key, made)
        return self.shared[key]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> AsyncIterator[Stage]:
    """Run the services for all cells."""
    redis_url = valkey_url.removesuffix("/0") + "/15"
    async with sight_mesh(tmp_path_factory.mktemp("sight"), redis_url) as mesh:
        yield Stage(mesh, {})


def test_every_method_has_a_row(tell: Callable[[str], None]) -> None:
    """Each method that apps or the edge may call says what it answers to whom, and no row is of a method that is gone."""
    assert {rpc.path for rpc in METHODS} == set(ROWS)
    tell(f"who sees whom: {len(METHODS)} methods, {len(CELLS)} cells")


@pytest.mark.parametrize(("rpc", "each", "relation", "visibility"), CELLS)
async def test_a_cell_of_the_matrix(
    stage: Stage, rpc: Rpc, each: Row, relation: Relation, visibility: Visibility
) -> None:
    """A method answers a viewer as its row says, and names the other account exactly where it says so."""
    scene = await stage.scene(relation, visibility, is_new=each.changes)
    assert await outcome_of(stage.mesh, rpc, each.ask(scene), scene) == each.expected(relation, visibility)
