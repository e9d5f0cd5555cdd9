"""Running the command given by `--exec`."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest

from devmesh.supervise.run_command import command_environment, run_command
from tests.devmesh.supervise.watching import is_running


@pytest.mark.parametrize(
    ("command", "code"), [("true", 0), ("exit 7", 7), ("kill -9 $$", 137), ("no-such-command", 127)]
)
async def test_the_exit_code_is_returned(command: str, code: int) -> None:
    """The exit code is the shell's."""
    assert await run_command(command, os.environ) == code


async def test_the_command_finds_the_mesh_and_lensfeed(tmp_path: Path) -> None:
    """LENSFEED_URL is set and `lensfeed` is in PATH."""
    env = command_environment({"PATH": "/usr/bin:/bin"}, "http://127.0.0.1:1")
    assert await run_command(f'echo "$LENSFEED_URL" > {tmp_path}/url; command -v python > {tmp_path}/python', env) == 0
    assert (tmp_path / "url").read_text() == "http://127.0.0.1:1\n"
    assert (tmp_path / "python").read_text().strip() == str(Path(sys.executable).parent / "python")


async def test_cancelling_kills_the_command_and_its_children(tmp_path: Path) -> None:
    """Cancelling kills the command with its children."""
    running = asyncio.ensure_future(run_command(f"sleep 600 & echo $! > {tmp_path}/pid; wait", os.environ))
    async with asyncio.timeout(20):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110 - files have none
            await asyncio.sleep(0.05)
        pid = int((tmp_path / "pid").read_text())
        assert is_running(pid)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        while is_running(pid):  # noqa: ASYNC110 - the kernel kills it a moment later
            await asyncio.sleep(0.05)
