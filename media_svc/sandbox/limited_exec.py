"""Become another program, within limits that it cannot lift.

Usage: `python -m media_svc.sandbox.limited_exec PARENT_PID MEMORY_BYTES CPU_SECONDS FILE_BYTES NICENESS READABLE PROGRAM
ARGUMENT…`. READABLE is what the program may read in addition to its working directory, joined by colons. This is a
separate program because code between fork and exec is not safe in a process with threads. On Linux the kernel also kills
the program when its parent ends.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from media_svc.confinement.confine import confine

PR_SET_PDEATHSIG = 1
OPEN_FILES = 64


def main(
    parent: int,
    memory_bytes: int,
    cpu_seconds: int,
    file_bytes: int,
    niceness: int,
    readable: Iterable[Path],
    argv: list[str],
) -> None:
    """Limit and confine this process, make sure the parent still runs, and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.nice(niceness)
    # The soft CPU limit sends SIGXCPU. The hard one sends SIGKILL, which looks like lack of memory.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    confine(Path.cwd(), readable)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{argv[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    parent_, memory, cpu, file, nice = map(int, sys.argv[1:6])
    main(parent_, memory, cpu, file, nice, map(Path, sys.argv[6].split(os.pathsep)), sys.argv[7:])
