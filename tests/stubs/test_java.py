"""The Java client: plain gRPC, and photos by Java's own HTTP client."""

from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, finds_the_post, said, takes_the_tour

pytestmark = pytest.mark.stubs


async def test_java_posts_what_others_read(mesh: Mesh, photo: Path) -> None:
    """A program of the Java stubs posts a photo that is in others' feeds, names a refusal, and renews its token."""
    lines = await takes_the_tour(mesh, photo, CLIENTS / "java", "java", "-jar", "target/lensfeed-java.jar")
    assert said(lines, r"read: (\S+) by @\w+") == said(lines, r"posted: (\S+)")
    assert said(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert said(lines, r"renewed: @(\w+)").startswith("ben_")
    await finds_the_post(mesh, lines, "From Java")
