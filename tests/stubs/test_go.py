"""The Go client, over gRPC."""

import subprocess
from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, find_post, printed, run_tour

pytestmark = pytest.mark.stubs

GO = CLIENTS / "go"


async def test_the_go_tour(mesh: Mesh, photo: Path) -> None:
    """A Go program posts a photo that others see, reports an error's reason, and renews its token."""
    lines = await run_tour(mesh, photo, GO, "bin/tour")
    assert printed(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert printed(lines, r"renewed: @(\w+)").startswith("ben_")
    await find_post(mesh, lines, "From Go")


def test_go_code_is_formatted_and_vetted() -> None:
    """Gofmt and go vet find nothing."""
    for command in (("gofmt", "-l", "-d", "."), ("go", "vet", "./...")):
        done = subprocess.run(command, cwd=GO, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        assert done.stdout == ""
