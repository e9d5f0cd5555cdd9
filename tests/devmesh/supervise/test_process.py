"""One child process."""

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
    """Describe a program that logs into the folder."""
    return Command(argv, os.environ, folder, folder / "log")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can promise it")
async def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """Even where the parent is killed and can do nothing about it."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, env={**os.environ, "FOLDER": str(tmp_path)}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    child = int(output)
    async with asyncio.timeout(10):
        while is_running(child):  # noqa: ASYNC110 - the kernel ends it a moment later
            await asyncio.sleep(0.05)


async def test_waiting_for_one_that_ends_never_hangs(tmp_path: Path) -> None:
    """Its end is noticed whatever the check is doing at that moment."""

    async def refused() -> bool:
        raise ConnectionRefusedError

    async with asyncio.timeout(60):
        for _ in range(20):
            child = await Child.start(command(tmp_path, "false"))
            with pytest.raises(NotReady, match="it exited with code 1"):
                await wait_ready("it", child, refused)


async def test_the_log_tail_is_of_this_run_alone(tmp_path: Path) -> None:
    """What an earlier run logged into the same file does not explain this one's end."""
    for word in ("earlier", "later"):
        child = await Child.start(command(tmp_path, "echo", word))
        await child.exited()
    assert child.log_tail() == "later"
    assert (tmp_path / "log").read_text() == "earlier\nlater\n"


def test_a_log_that_has_grown_too_long_is_put_aside(tmp_path: Path) -> None:
    """Logs of many runs do not fill the disk."""
    log = tmp_path / "log"
    log.write_bytes(b"x" * LOG_LIMIT_BYTES)
    rotate(log)
    assert log.exists()
    log.write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "log.1").exists()


def test_the_tail_of_a_long_log_is_its_last_twenty_lines(tmp_path: Path) -> None:
    """And of no log it is nothing."""
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log).splitlines() == [f"line {number}" for number in range(9_980, 10_000)]
