"""Tests of the limits on processes that read untrusted bytes."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from media_svc.confinement.confine import PYTHON
from media_svc.sandbox.limited_process import ProcessLimits, ProcessResult, run_limited

pytestmark = pytest.mark.slow

MIB = 1024**2
LIMITS = ProcessLimits(512 * MIB, cpu_seconds=20, wall_seconds=30, file_bytes=MIB, niceness=5)


async def _python(folder: Path, program: str, limits: ProcessLimits = LIMITS) -> ProcessResult:
    return await run_limited((sys.executable, "-I", "-c", program), folder, limits, readable=PYTHON)


async def test_memory(tmp_path: Path) -> None:
    """A process cannot allocate more than its memory limit."""
    ended = await _python(tmp_path, "bytearray(600 * 1024**2)")
    assert ended.code != 0
    assert ended.is_out_of_memory
    assert not ended.is_out_of_time


async def test_cpu_time(tmp_path: Path) -> None:
    """A process that does not end is stopped."""
    ended = await _python(tmp_path, "while True: pass", ProcessLimits(512 * MIB, 1, 30))
    assert ended.is_out_of_time


async def test_wall_time(tmp_path: Path) -> None:
    """A process that only waits is killed too, and is gone."""
    program = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    ended = await _python(tmp_path, program, ProcessLimits(512 * MIB, 20, wall_seconds=3))
    assert ended.is_out_of_time
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


async def test_file_size(tmp_path: Path) -> None:
    """No file grows beyond the limit."""
    ended = await _python(tmp_path, "open('large', 'wb').write(bytes(2 * 1024**2))")
    assert ended.code != 0
    assert (tmp_path / "large").stat().st_size <= MIB


async def test_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process runs in its folder, at low priority, without our environment."""
    monkeypatch.setenv("LENSFEED_S3_SECRET_KEY", "secret")
    lines: list[str] = []

    async def on_line(line: str) -> None:
        lines.append(line)

    shown = ("os.getcwd()", "os.getpriority(os.PRIO_PROCESS, 0)", "sorted(os.environ)", "os.listdir('.')")
    program = "import os; " + "; ".join(f"print({each})" for each in shown)
    ended = await run_limited((sys.executable, "-I", "-c", program), tmp_path, LIMITS, on_line, PYTHON)
    assert ended.code == 0
    assert lines[:2] == [str(tmp_path), str(os.nice(0) + 5)]
    assert "LENSFEED" not in lines[2]
    assert lines[3] == "[]"


async def test_cancelled(tmp_path: Path) -> None:
    """Cancelling the caller kills the process."""
    program = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    task = asyncio.create_task(_python(tmp_path, program))
    async with asyncio.timeout(30):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


async def test_missing_program(tmp_path: Path) -> None:
    """The error for a program that cannot run names it."""
    ended = await run_limited((str(tmp_path / "nothing"),), tmp_path, LIMITS)
    assert ended.code != 0
    assert "nothing cannot be run" in ended.log
