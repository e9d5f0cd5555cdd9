"""The clients of other languages on a line that loses the first answer to each method."""

import shutil
from pathlib import Path

import pytest

from tests.blackbox.mesh import Mesh, reached
from tests.blackbox.people import new_user
from tests.clients.lossy_line import lossy_line
from tests.rpcs import PUBLIC
from tests.stubs.tours import CLIENTS, find_post, printed, run_tour

pytestmark = pytest.mark.stubs

TOURS = {
    "go": ("bin/tour",),
    "typescript": (shutil.which("node") or "node", "dist/examples/tour.js"),
    "java": (shutil.which("java") or "java", "-jar", "target/lensfeed-java.jar"),
}
CAPTIONS = {"go": "From Go", "typescript": "From TypeScript", "java": "From Java"}
# A log-in has no key, so no client repeats it.
LOSSES = {each.path: 1 for each in PUBLIC if each.name != "CreateSession"}


@pytest.mark.parametrize("language", TOURS)
async def test_the_tour_survives_lost_answers(mesh: Mesh, photo: Path, language: str) -> None:
    """Every call whose answer is lost is repeated, nothing is created twice, and the session is not lost."""
    async with lossy_line(mesh.address, LOSSES) as line:
        lines = await run_tour(mesh, photo, CLIENTS / language, *TOURS[language], url=line.url)
    assert printed(lines, r"renewed: @(\w+)").startswith("ben_")
    assert {path.rpartition("/")[2] for path in line.lost} >= {
        "CreateUser",
        "StartUpload",
        "CompleteUpload",
        "CreatePost",
        "CreateFollow",
        "GetFeed",
        "RefreshSession",
    }
    post = await find_post(mesh, lines, CAPTIONS[language])
    async with reached(mesh) as reach:
        reader = await new_user(reach, "reader")
        posts = (await reader.call("GET", f"/users/{post['authorId']}/posts"))["posts"]
    assert [each["postId"] for each in posts] == [post["postId"]]
