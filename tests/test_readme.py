"""The commands of the README, run as they stand there against a whole mesh."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.mesh

ROOT = Path(__file__).parent.parent
# Between the outputs of two blocks.
RULE = "──── next block ────"
MESH_SECONDS = 240
# A cold build of grpcurl compiles a gRPC of its own.
BUILD_SECONDS = 900


def section(title: str) -> str:
    """Return a section of the README, up to the next section."""
    _, _, rest = (ROOT / "README.md").read_text().partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def blocks(text: str) -> list[str]:
    """Return the bash blocks of a text."""
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_on_a_mesh(script_blocks: list[str], folder: Path, programs: str = "") -> list[str]:
    """Run blocks in one bash on a mesh of their own; the output of each."""
    script = "set -eu -o pipefail\n" + f"echo '{RULE}'\n".join(script_blocks)
    # The reader's environment is .venv; ours is the one that runs this test.
    (folder / "tour.sh").write_text(script.replace(".venv/bin/", f"{Path(sys.executable).parent}/"))
    command = (sys.executable, "-m", "devmesh", "dev", "--data", str(folder / "data"), "--port", "0")
    done = subprocess.run(
        [*command, "--exec", f"bash '{folder}/tour.sh'"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MESH_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    _, _, output = done.stdout.partition("\nready http://")
    assert len(script_blocks) > 1
    return output.split(f"{RULE}\n")


def test_the_tour_ends_with_the_post_in_the_feed(tmp_path: Path) -> None:
    """Pasted in order, the blocks sign up, upload, post and follow; the feed shows the post, and its picture opens."""
    curl_only = section("A tour with curl").partition("\n### ")[0]
    signed_up, _, uploaded, _, feed, picture, refused = run_on_a_mesh(blocks(curl_only), tmp_path)
    assert signed_up.count('"userId"') == 2
    assert uploaded.splitlines() == ["PUT: 200", "MEDIA_STATE_PROCESSING"]
    assert '"caption": "Where the colours meet"' in feed
    assert '"handle": "ada"' in feed
    assert re.match(r"200 image/jpeg, \d{4,} bytes\n", picture)
    assert "TOKEN_MISSING" in refused


def test_grpcurl_asks_a_service_and_the_edge(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """After the tour, the README's grpcurl commands get the same feed, from the service and through the edge."""
    whole = section("A tour with curl")
    *_, reflected, through_edge = run_on_a_mesh(blocks(whole), tmp_path, grpcurl_folder(whole, pytestconfig))
    assert "lensfeed.feed.v1.FeedService\n" in reflected
    assert '"post_id"' in reflected
    assert '"postId"' in through_edge
    assert '"caption": "Where the colours meet"' in through_edge


def grpcurl_folder(text: str, config: pytest.Config) -> str:
    """Find grpcurl, or build it once, as the README says. Passes the test over only where there is no Go, and never in CI."""
    if found := shutil.which("grpcurl"):
        return str(Path(found).parent)
    if not shutil.which("go"):
        assert not os.environ.get("CI"), "CI runs the README's grpcurl commands: install Go"
        pytest.skip("the README's grpcurl commands are not tried: this machine has neither grpcurl nor Go to build it")
    assert config.cache is not None
    folder = config.cache.mkdir("gobin")
    install = re.search(r"`(go install \S+)`", text)
    assert install is not None
    if not (folder / "grpcurl").exists():
        subprocess.run(install[1].split(), env={**os.environ, "GOBIN": str(folder)}, check=True, timeout=BUILD_SECONDS)
    return str(folder)
