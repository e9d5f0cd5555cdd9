"""Runs each client's tour: two users sign up, one posts a photo, and the other finds it in the feed."""

import asyncio
import os
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Sequence
from pathlib import Path

from tests.blackbox.mesh import Mesh, reached
from tests.blackbox.people import Json, eventually, new_user

CLIENTS = Path(__file__).parents[2] / "clients"
TOUR_SECONDS = 120


async def run_tour(mesh: Mesh, photo: Path, folder: Path, *command: str, url: str = "") -> list[str]:
    """Run a tour in a client's folder and return its output lines. Fails if the tour fails. `url` replaces the mesh's."""
    process = await asyncio.create_subprocess_exec(
        *command,
        str(photo),
        cwd=folder,
        env={**os.environ, "LENSFEED_URL": url or mesh.url},
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(TOUR_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode()
    assert process.returncode == 0, text
    return text.splitlines()


async def find_post(mesh: Mesh, lines: Sequence[str], caption: str) -> Json:
    """Let a new user follow the author of the tour's post, and return the post from their feed."""
    post_id = printed(lines, r"posted: (\S+)")
    async with reached(mesh) as reach:
        reader = await new_user(reach, "reader")
        post = (await reader.call("GET", f"/posts/{post_id}"))["post"]
        await reader.call("POST", "/follows", {"followeeId": post["authorId"]})

        async def read() -> list[Json]:
            page = await reader.call("GET", "/feed")
            return [item["post"] for item in page.get("items", [])]

        seen = await eventually(read, bool)
    assert [each["postId"] for each in seen] == [post_id]
    assert seen[0]["caption"] == caption
    assert seen[0]["media"][0]["renditions"]
    return dict(seen[0])


def printed(lines: Sequence[str], pattern: str) -> str:
    """Return the pattern's group from the only line that matches."""
    found = [match[1] for line in lines if (match := re.fullmatch(pattern, line))]
    assert len(found) == 1, lines
    return found[0]
