"""The commands of the README and docs/debugging.md work on a mesh."""

import asyncio
import re

import pytest

from devmesh.layout import PORT_COUNT, assign_ports
from tests.blackbox.mesh import Mesh
from tests.pages import ROOT, blocks, grpcurl_folder, run_blocks, section

pytestmark = pytest.mark.mesh

TOUR, WITH_GRPCURL = "A tour with curl", "\n### With grpcurl\n"


@pytest.fixture(scope="module")
def mesh(sqlite_mesh: Mesh) -> Mesh:
    """Give a running mesh."""
    return sqlite_mesh


async def run(mesh: Mesh, commands: list[str], programs: str = "") -> list[str]:
    """Run blocks on the mesh, as `lensfeed dev --exec` would."""
    environment = {"LENSFEED_URL": mesh.url, "LENSFEED_FEED_ADDR": mesh.addresses["feed-serve"]}
    environment["XDG_STATE_HOME"] = str(mesh.data.parent / "state")  # who logs in here is not who runs the tests
    return await asyncio.to_thread(run_blocks, commands, environment, programs)


async def test_the_tour_ends_with_the_post_in_the_feed(mesh: Mesh) -> None:
    """Pasted in order, the blocks sign up, upload, post and follow; the feed shows the post, and its picture opens.

    Those of the terminal go on from there, and do the same by the command.
    """
    curl_only = section("README.md", TOUR).partition(WITH_GRPCURL)[0]
    terminal = blocks(section("README.md", "From the terminal"))
    outputs = await run(mesh, [*blocks(curl_only), *terminal])
    signed_up, _, uploaded, _, feed, picture, refused, blocked, private, commands = outputs
    assert signed_up.count('"userId"') == 2
    assert uploaded.splitlines() == ["PUT: 200", "MEDIA_STATE_PROCESSING"]
    assert '"caption": "Where the colours meet"' in feed
    assert '"handle": "ada"' in feed
    assert re.match(r"200 image/jpeg, \d{4,} bytes\n", picture)
    assert "TOKEN_MISSING" in refused
    assert "USER_NOT_FOUND" in blocked
    assert "POST_NOT_FOUND" in blocked
    became_private, asked, hidden, requests, accepted, shown, became_public = private.splitlines()
    assert "ACCOUNT_VISIBILITY_PRIVATE" in became_private
    assert "FOLLOW_STATE_REQUESTED" in asked
    assert "ACCOUNT_PRIVATE" in hidden
    assert '"handle":"eve"' in requests
    assert "FOLLOW_STATE_FOLLOWING" in accepted
    assert "ACCOUNT_PRIVATE" not in shown
    assert "ACCOUNT_VISIBILITY_PUBLIC" in became_public
    assert "Logged in as @ben Ben at http://" in commands
    assert (
        commands.count("Once more, from the terminal\n  photo 1600 x 1200 · Colours that run into each other: http://")
        == 2
    )
    assert '"caption": "Once more, from the terminal"' in commands


async def test_grpcurl_asks_a_service_and_the_edge(mesh: Mesh, pytestconfig: pytest.Config) -> None:
    """After the tour, which may be repeated, the README's commands get the same feed from the service and the edge."""
    signed_up, *_, reflected, through_edge = await run(
        mesh, blocks(section("README.md", TOUR)), grpcurl_folder(pytestconfig)
    )
    assert signed_up.count("HANDLE_TAKEN") == 2
    assert "lensfeed.feed.v1.FeedService\n" in reflected
    assert '"post_id"' in reflected
    assert "lensfeed.post.v1.PostService\n" in through_edge
    assert "Internal" not in through_edge
    assert '"postId"' in through_edge
    assert '"caption": "Where the colours meet"' in through_edge


async def test_every_command_of_the_page_on_debugging_works(mesh: Mesh, pytestconfig: pytest.Config) -> None:
    """Its grpcurl commands work on the ports of `make dev`."""
    commands = [on(mesh, block) for block in blocks((ROOT / "docs" / "debugging.md").read_text())]
    listed, described, signed_up, feed, refused, direct, internal, health, channelz = await run(
        mesh, commands, grpcurl_folder(pytestconfig)
    )
    assert listed.count("lensfeed.follow.v1.FollowService\n") == 2
    assert listed.count("lensfeed.follow.v1.FollowInternalService\n") == 1
    assert listed.count("grpc.channelz.v1.Channelz\n") == 2
    for part in ("rpc CreatePost", "// Errors:", '"mediaIds"', "rpc ListFollowerIds"):
        assert part in described
    assert '"handle": "grace"' in signed_up
    assert '"emptyReason": "EMPTY_REASON_FOLLOWS_NOBODY"' in feed
    assert '"reason": "LIMIT_INVALID"' in refused
    assert '"empty_reason": "EMPTY_REASON_FOLLOWS_NOBODY"' in direct
    assert '"display_name": "Grace"' in internal
    assert health.count('"status": "SERVING"') == 3
    assert '"calls_succeeded"' in channelz
    assert '"socket_ref"' in channelz
    assert f'"target": "dns:///{mesh.addresses["post-serve"]}"' in channelz


def on(mesh: Mesh, commands: str) -> str:
    """Replace the addresses of `make dev` by those of a mesh. Every address in them must be one of a part."""
    stated = re.search(r"^DEV \?= --port (\d+) --base-port (\d+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert stated is not None
    ports = assign_ports(int(stated[1]), range(int(stated[2]), int(stated[2]) + PORT_COUNT))
    names = {ports.edge: "edge"}
    names |= {port: f"{name}-serve" for name, (port,) in ports.services.items()}
    names |= {port: f"{name}-work" for name, (port,) in ports.workers.items()}
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: mesh.addresses[names[int(found[1])]], commands)
