"""Run a program that reads untrusted bytes: limited and confined, without our environment, and never unattended."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_LAUNCHER = "media_svc.sandbox.limited_exec"
# The error is at the end of the log.
_LOG_TAIL_BYTES = 4_000
_MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """The limits of one process. Memory is address space, including libraries and stacks. `niceness` lowers its priority."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    file_bytes: int = 1024**3
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a process ended: its exit code, or minus the signal; minus SIGXCPU if it ran out of time."""

    code: int
    log: str

    @property
    def is_out_of_time(self) -> bool:
        """Whether it exceeded its CPU or wall time."""
        return self.code == -signal.SIGXCPU

    @property
    def is_out_of_memory(self) -> bool:
        """Whether it exceeded its memory, or the kernel killed it for that."""
        words = ("cannot allocate memory", "memoryerror", "bad_alloc", "out of memory")
        return self.code == -signal.SIGKILL or any(word in self.log.lower() for word in words)


async def run_limited(
    command: Sequence[str],
    folder: Path,
    limits: ProcessLimits,
    on_line: Callable[[str], Awaitable[None]] | None = None,
    readable: Sequence[Path] = (),
) -> ProcessResult:
    """Run a program in a folder until it ends, passing each line of output to `on_line`. Leaves no process.

    The program can open nothing but the folder, itself, the system's libraries and what is `readable`. One that crashes with
    SIGSEGV runs once more: the crash may not be the input's fault.
    """
    confined = _confined(command, limits, readable)
    ended = await _run_once(confined, folder, limits, on_line)
    return await _run_once(confined, folder, limits, on_line) if ended.code == -signal.SIGSEGV else ended


def _confined(command: Sequence[str], limits: ProcessLimits, readable: Sequence[Path]) -> Sequence[str]:
    numbers = (os.getpid(), limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, limits.niceness)
    opened = os.pathsep.join(map(str, (command[0], *readable)))
    return (sys.executable, "-s", "-S", "-P", "-m", _LAUNCHER, *map(str, numbers), opened, *command)


async def _run_once(
    command: Sequence[str], folder: Path, limits: ProcessLimits, on_line: Callable[[str], Awaitable[None]] | None
) -> ProcessResult:
    async with _started(command, folder) as process:
        log = asyncio.create_task(_tail(_pipe(process.stderr)))
        try:
            async with asyncio.timeout(limits.wall_seconds):
                while line := await _pipe(process.stdout).readline():
                    if on_line:
                        await on_line(line.decode(errors="replace").strip())
                return ProcessResult(await process.wait(), await log)
        except TimeoutError:
            return ProcessResult(-signal.SIGXCPU, "")
        finally:
            log.cancel()


@asynccontextmanager
async def _started(command: Sequence[str], folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=_environment(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_MAX_LINE_BYTES,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("the process was started without this pipe")
    return stream


async def _tail(stream: asyncio.StreamReader) -> str:
    """Read everything, and return the end."""
    tail = b""
    while chunk := await stream.read(_MAX_LINE_BYTES):
        tail = (tail + chunk)[-_LOG_TAIL_BYTES:]
    return tail.decode(errors="replace")


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of the process: none of our settings, as it reads untrusted bytes."""
    return {
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        # Each thread's arena reserves 64 MB of the address space that the limit counts.
        "MALLOC_ARENA_MAX": "2",
        "PATH": os.defpath,
        "PYTHONPATH": str(_ROOT),
        # Import nothing from the folder: an earlier process may have been taken over and have written there.
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(folder),
    }
