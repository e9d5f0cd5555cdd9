"""A child process in its own session, logged to a file and stopped with its descendants."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from devmesh.supervise import die_with_parent

LOG_LIMIT_BYTES = 4 * 2**20
"""A larger log is rotated at the next start. One old log is kept."""

TAIL_LINES = 20
TAIL_BYTES = 16 * 2**10


@dataclass(frozen=True)
class Command:
    """A program to run: arguments, complete environment, working directory and log file."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    log: Path


class Child:
    """A running program, created with `start`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(cls, command: Command) -> Self:
        """Start the command. If the program is missing, the child exits at once with the reason in its log."""
        command.folder.mkdir(parents=True, exist_ok=True)
        rotate(command.log)
        wrapper = (sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()))
        with command.log.open("ab") as log:
            log_start = log.tell()
            process = await asyncio.create_subprocess_exec(
                *wrapper,
                *command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(command.env),
                cwd=command.folder,
                start_new_session=True,  # Ctrl-C reaches only the parent, which stops its parts in order
            )
        return cls(process, command.log, log_start)

    @property
    def pid(self) -> int:
        """The process id, which is also the group id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -N if signal N killed it."""
        return self._process.returncode

    async def exited(self) -> int:
        """Wait for the exit and return the exit code."""
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL after `grace` seconds. Its descendants are killed, too. Repeatable."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._process.wait()
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Send SIGKILL to the process and its descendants."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        return tail(self._log, since=self._log_start)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def rotate(log: Path) -> None:
    """Rotate a log that is too large, and create its folder."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, since: int = 0, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a file after byte `since`; empty if the file is missing."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - TAIL_BYTES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def exit_text(code: int) -> str:
    """Describe an exit: `exited with code 1` or `was killed by SIGKILL`."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
