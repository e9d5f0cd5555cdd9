"""What docs/debugging.md lets people ask a mesh with mTLS."""

import asyncio

import pytest

from tests.blackbox.mesh import Mesh
from tests.pages import ROOT, blocks, grpcurl_folder, run_blocks

pytestmark = pytest.mark.mesh


async def test_the_documented_grpcurl_commands_work(mesh: Mesh, pytestconfig: pytest.Config) -> None:
    """The documented commands list a service and return health, channelz and an internal method's answer."""
    (commands,) = blocks((ROOT / "docs" / "debugging.md").read_text(), "bash mtls")
    replaced = {
        "~/.local/share/lensfeed": str(mesh.data),
        "127.0.0.1:18055": mesh.addresses["feed-serve"],
        "127.0.0.1:18051": mesh.addresses["user-serve"],
    }
    for stated, real in replaced.items():
        assert stated in commands
        commands = commands.replace(stated, real)
    (answered,) = await asyncio.to_thread(run_blocks, [commands], {}, grpcurl_folder(pytestconfig))
    assert "lensfeed.feed.v1.FeedService\n" in answered
    assert '"status": "SERVING"' in answered
    assert '"calls_started"' in answered
    assert answered.endswith("{}\n")
