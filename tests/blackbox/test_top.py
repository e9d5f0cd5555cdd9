"""`lensfeed top` on a running mesh."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.blackbox import live_top
from tests.blackbox.mesh import Mesh
from tests.blackbox.people import Person
from tests.clients.pseudo_terminal import at_terminal

pytestmark = pytest.mark.mesh


async def _top(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devmesh", "top", *arguments), stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def _reading(person: Person) -> AsyncIterator[None]:
    """Read a feed again and again during the block."""

    async def read() -> None:
        while True:
            await person.call("GET", "/feed")

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_pipe_gets_the_figures_once(mesh: Mesh, ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Processes, methods with percentiles, sources of pages, backlogs and statements are printed as plain text."""
    await ann.follow(bob)
    await bob.post("watched", [photo_of_bob])
    await ann.sees("watched")
    async with _reading(ann):
        code, output, errors = await _top("--data", str(mesh.data), "--every", "1")
    assert (code, errors) == (0, "")
    assert "\x1b" not in output
    for title in ("processes", "busiest methods", "home feeds", "events", "costliest statements"):
        assert title in output
    [feeds] = [line.split() for line in output.splitlines() if line.startswith("FeedService/GetFeed")]
    assert float(feeds[1]) > 0
    assert feeds[-1] == "ms"
    assert "timeline 100 %" in output
    assert len([line for line in output.splitlines() if " up " in line]) == 8


async def test_a_terminal_shows_figures_until_ctrl_c(mesh: Mesh) -> None:
    """On a terminal the figures are shown on a screen of their own, which Ctrl-C ends with 0."""
    command = (sys.executable, live_top.__file__, "--data", str(mesh.data), "--every", "0.5")
    session = await at_terminal(command, dict(os.environ), {"costliest statements": "\x03"}, columns=160)
    assert session.code == 0
    assert session.screen.startswith("\x1b[?1049h")
    assert "feed-serve" in session.screen


async def test_a_mesh_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Without a mesh, or if none of its processes answers, one sentence says so."""
    code, output, errors = await _top("--data", str(tmp_path))
    assert (code, output) == (1, "")
    assert errors.startswith(f"lensfeed: no mesh is running on {tmp_path}; ")
    targets = tmp_path / "targets.json"
    targets.write_text(json.dumps([{"targets": ["127.0.0.1:1"]}]))
    code, output, errors = await _top("--targets", str(targets))
    assert (code, output, errors) == (1, "", "lensfeed: no process answers at 127.0.0.1:1\n")
