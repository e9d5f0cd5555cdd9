"""The Go client: plain gRPC."""

import subprocess
from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, finds_the_post, said, takes_the_tour

pytestmark = pytest.mark.stubs

GO = CLIENTS / "go"


async def test_go_posts_what_others_read(mesh: Mesh, photo: Path) -> None:
    """A program of the Go client posts a photo that is in others' feeds, names a refusal, and renews its token."""
    lines = await takes_the_tour(mesh, photo, GO, "bin/tour")
    assert said(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert said(lines, r"renewed: @(\w+)").startswith("ben_")
    await finds_the_post(mesh, lines, "From Go")


def test_go_finds_nothing_odd() -> None:
    """The Go client is formatted and vetted."""
    for command in (("gofmt", "-l", "-d", "."), ("go", "vet", "./...")):
        done = subprocess.run(command, cwd=GO, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        assert done.stdout == ""
