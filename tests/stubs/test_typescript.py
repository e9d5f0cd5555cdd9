"""The TypeScript client: gRPC-Web, as browsers call."""

import subprocess
from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, finds_the_post, said, takes_the_tour

pytestmark = pytest.mark.stubs

TYPESCRIPT = CLIENTS / "typescript"


async def test_typescript_posts_what_others_read(mesh: Mesh, photo: Path) -> None:
    """A program of the TypeScript client posts a photo that is in others' feeds, names a refusal, and renews its token."""
    lines = await takes_the_tour(mesh, photo, TYPESCRIPT, "node", "dist/examples/tour.js")
    assert said(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert said(lines, r"renewed: @(\w+)").startswith("ben_")
    await finds_the_post(mesh, lines, "From TypeScript")


def test_typescript_is_checked_strictly() -> None:
    """The compiler finds nothing to say about the generated code, the helpers and the example, at its strictest."""
    command = ("node_modules/.bin/tsc", "--project", ".", "--strict", "--noEmit")
    done = subprocess.run(command, cwd=TYPESCRIPT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
