"""Command lines of processes that may end meanwhile."""

import psutil


def command_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process, or nothing if it has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []
