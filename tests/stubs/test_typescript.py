"""The TypeScript client, over gRPC-Web."""

import subprocess
from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, find_post, printed, run_tour

pytestmark = pytest.mark.stubs

TYPESCRIPT = CLIENTS / "typescript"


async def test_the_typescript_tour(mesh: Mesh, photo: Path) -> None:
    """A TypeScript program posts a photo that others see, reports an error's reason, and renews its token."""
    lines = await run_tour(mesh, photo, TYPESCRIPT, "node", "dist/examples/tour.js")
    assert printed(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert printed(lines, r"renewed: @(\w+)").startswith("ben_")
    await find_post(mesh, lines, "From TypeScript")


def test_typescript_is_checked_strictly() -> None:
    """The strict compiler accepts the generated code, the helpers and the example."""
    command = ("node_modules/.bin/tsc", "--project", ".", "--strict", "--noEmit")
    done = subprocess.run(command, cwd=TYPESCRIPT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
