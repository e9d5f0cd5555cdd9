"""Child processes."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from devmesh.errors import NotReady
from devmesh.supervise.process import LOG_LIMIT_BYTES, Child, Command, rotate, tail
from devmesh.supervise.running import wait_ready
from tests.devmesh.supervise.watching import is_running

PARENT = """
import asyncio, os, signal
from pathlib import Path
from devmesh.supervise.process import Child, Command

async def main():
    folder = Path(os.environ["FOLDER"])
    child = await Child.start(Command(("sleep", "600"), os.environ, folder, folder / "log"))
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def command(folder: Path, *argv: str) -> Command:
    """Create a command that logs to the folder."""
    return Command(argv, os.environ, folder, folder / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can promise it")
async def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A child dies even if its parent is killed with SIGKILL."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, env={**os.environ, "FOLDER": str(tmp_path)}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    child = int(output)
    async with asyncio.timeout(10):
        while is_running(child):  # noqa: ASYNC110 - the kernel kills it a moment later
            await asyncio.sleep(0.05)


async def test_waiting_for_a_child_that_exits_never_hangs(tmp_path: Path) -> None:
    """The exit is noticed whatever the check is doing at that moment."""

    async def refused() -> bool:
        raise ConnectionRefusedError

    async with asyncio.timeout(60):
        for _ in range(20):
            child = await Child.start(command(tmp_path, "false"))
            with pytest.raises(NotReady, match="it exited with code 1"):
                await wait_ready("it", child, refused)


async def test_the_log_tail_is_of_this_run_only(tmp_path: Path) -> None:
    """The log tail does not include earlier runs."""
    for word in ("earlier", "later"):
        child = await Child.start(command(tmp_path, "echo", word))
        await child.exited()
    assert child.log_tail() == "later"
    assert (tmp_path / "log").read_text() == "earlier\nlater\n"


def test_a_large_log_is_rotated(tmp_path: Path) -> None:
    """A large log is rotated at the next start."""
    log = tmp_path / "log"
    log.write_bytes(b"x" * LOG_LIMIT_BYTES)
    rotate(log)
    assert log.exists()
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "log.1").exists()


def test_the_tail_of_a_long_log_is_its_last_twenty_lines(tmp_path: Path) -> None:
    """The tail is the last twenty lines, and empty without a log."""
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log).splitlines() == [f"line {number}" for number in range(9_980, 10_000)]
