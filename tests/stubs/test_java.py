"""The Java client, over gRPC."""

from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh
from tests.stubs.tours import CLIENTS, find_post, printed, run_tour

pytestmark = pytest.mark.stubs


async def test_the_java_tour(mesh: Mesh, photo: Path) -> None:
    """A Java program posts a photo that others see, reports an error's reason, and renews its token."""
    lines = await run_tour(mesh, photo, CLIENTS / "java", "java", "-jar", "target/lensfeed-java.jar")
    assert printed(lines, r"read: (\S+) by @\w+") == printed(lines, r"posted: (\S+)")
    assert printed(lines, r"refused: (\w+)") == "SELF_FOLLOW"
    assert printed(lines, r"renewed: @(\w+)").startswith("ben_")
    await find_post(mesh, lines, "From Java")
