"""The start of a whole mesh by `lensfeed dev`, and the memory of its idle processes."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from meshkit.settings import PREFIX

SQLITE_GOAL, CASSANDRA_GOAL = Goal("at most", 4.0), Goal("at most", 20.0)
MEMORY_GOAL = Goal("at most", 75.0)
# A process that is ready may still open connections.
SETTLE_SECONDS = 3.0
STOP_SECONDS = 60.0
_DEV = "dev"
_READY = b"ready http"
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Started:
    """A mesh that has just become ready."""

    pid: int
    seconds: float


async def measure(run: Run) -> Sequence[Figure]:
    """Measure the start on SQLite, and the memory of each Python process of the idle mesh."""
    memory: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory() as folder:

        async def one_start() -> Sample:
            async with _running_dev(Path(folder), "sqlite") as mesh:
                await asyncio.sleep(SETTLE_SECONDS)
                for name, megabytes in idle_memory(mesh.pid).items():
                    memory.setdefault(name, []).append((megabytes,))
            return (mesh.seconds,)

        seconds = await run.rounds(one_start)
    return [
        _ready("dev_sqlite", "SQLite", seconds, SQLITE_GOAL),
        *(_resident(name, samples[1:]) for name, samples in memory.items()),
    ]


async def measure_cassandra(run: Run) -> Sequence[Figure]:
    """Measure the start on a Cassandra of its own."""
    with tempfile.TemporaryDirectory() as folder:

        async def one_start() -> Sample:
            async with _running_dev(Path(folder), "cassandra") as mesh:
                return (mesh.seconds,)

        return [_ready("dev_cassandra", "one node of Cassandra", await run.rounds(one_start), CASSANDRA_GOAL)]


def idle_memory(pid: int) -> dict[str, float]:
    """Return the resident memory of `lensfeed dev` and its Python processes, in MB by name."""
    dev = psutil.Process(pid)
    processes = {
        _DEV: dev,
        **{name: each for each in dev.children(recursive=True) if (name := _module(each.cmdline()))},
    }
    return {name: each.memory_info().rss / _MEGABYTE for name, each in processes.items()}


def _module(argv: Sequence[str]) -> str:
    """Return `feed_svc serve` for the arguments of `python -P -m feed_svc serve`, and nothing for other programs."""
    return " ".join(argv[argv.index("-m") + 1 :]) if "-m" in argv else ""


def _ready(name: str, store: str, seconds: Sequence[Sample], goal: Goal) -> Figure:
    what = f"`lensfeed dev` on {store}, from the command to `ready`, with data of an earlier run"
    return Figure(name, what, "s", seconds, goal=goal)


def _resident(name: str, samples: Sequence[Sample]) -> Figure:
    what = "`lensfeed dev` itself" if name == _DEV else f"`{name}`"
    key = f"idle_{name.replace(' ', '_')}"
    return Figure(key, f"{what}, idle: resident memory, shared libraries included", "MB", samples, goal=MEMORY_GOAL)


@contextlib.asynccontextmanager
async def _running_dev(folder: Path, store: str) -> AsyncIterator[Started]:
    """Run a mesh on free ports until the block ends."""
    argv = (sys.executable, "-m", "devmesh", "dev", "--data", str(folder / "data"), "--port", "0", "--store", store)
    env = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "OTEL_"))}
    start = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=asyncio.subprocess.PIPE)
    try:
        await _until_ready(process)
        yield Started(process.pid, time.perf_counter() - start)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_SECONDS):
            await process.communicate()


async def _until_ready(process: asyncio.subprocess.Process) -> None:
    """Wait for the line that says `ready`. Raises RuntimeError if the mesh exits instead."""
    assert process.stdout is not None  # noqa: S101 - it was opened with one
    async for line in process.stdout:
        if line.startswith(_READY):
            return
    raise RuntimeError(f"the mesh exited with code {await process.wait()}")
