"""The TypeScript client: gRPC-Web, as browsers call."""

from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, finds_the_post, said, takes_the_tour

pytestmark = pytest.mark.stubs


async def test_typescript_posts_what_others_read(mesh: Mesh, photo: Path) -> None:
    """A program of the TypeScript client posts a photo that is in others' feeds, names a refusal, and renews its token."""
    lines = await takes_the_tour(mesh, photo, CLIENTS / "typescript", "node", "dist/examples/tour.js")
    assert said(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert said(lines, r"renewed: @(\w+)").startswith("ben_")
    await finds_the_post(mesh, lines, "From TypeScript")
