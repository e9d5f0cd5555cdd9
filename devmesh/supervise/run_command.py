"""Runs the command given by `--exec`."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from devmesh.supervise import die_with_parent

GRACE_SECONDS = 5.0


async def run_command(command: str, env: Mapping[str, str]) -> int:
    """Run a shell command with our stdin and stdout. Returns its exit code, or 128 + n if signal n killed it.

    Cancellation ends the command first.
    """
    # On a terminal it stays in our process group, so that it can read the keyboard and gets Ctrl-C.
    alone = not sys.stdin.isatty()
    wrapper = (sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()))
    process = await asyncio.create_subprocess_exec(
        *wrapper, "/bin/sh", "-c", command, env=dict(env), start_new_session=alone
    )
    try:
        code = await process.wait()
        return code if code >= 0 else 128 - code
    finally:
        await _end(process, alone=alone)


def command_environment(env: Mapping[str, str], url: str) -> dict[str, str]:
    """Add LENSFEED_URL, and put the folder of our Python (with `lensfeed`) first in PATH."""
    path = os.pathsep.join((str(Path(sys.executable).parent), env.get("PATH", os.defpath)))
    return {**env, "LENSFEED_URL": url, "PATH": path}


async def _end(process: asyncio.subprocess.Process, *, alone: bool) -> None:
    _signal(process, signal.SIGTERM, alone=alone)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    _signal(process, signal.SIGKILL, alone=alone)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals, *, alone: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if alone:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
