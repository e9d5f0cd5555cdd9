"""A mesh that tests share: handed over when all of it answers, and taken back in order."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

from tests.blackbox.edge_view import until_edge_is_settled
from tests.blackbox.mesh import Mesh, processes_of, reached, running_mesh, tracebacks
from tests.blackbox.people import Person, eventually, new_user


@contextlib.asynccontextmanager
async def clean_mesh(
    data: Path, store: str, *arguments: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Mesh]:
    """Run a mesh all of whose services answer. It must end in order: with 0, no process left, and no accident in its logs."""
    async with running_mesh(data, store, *arguments, settings=settings) as mesh:
        async with reached(mesh) as reach:
            await until_edge_is_settled(mesh)
            await until_all_answer(await new_user(reach, "first"))
        yield mesh
        assert await mesh.stop() == 0, "\n".join(mesh.output)
    assert processes_of(data) == []
    assert not (found := tracebacks(data)), "\n".join(found)


async def until_all_answer(person: Person) -> None:
    """Wait until each service answers a call of somebody's through the edge."""
    own = f"/users/{person.user_id}"
    for path in (own, f"{own}/following", f"{own}/posts", "/media/1", "/feed"):
        await eventually(partial(person.send, "GET", path), lambda response: response.status_code in {200, 404})
