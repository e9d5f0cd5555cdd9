"""One child process: started in a session of its own, logged to a file, and stopped with all of its descendants."""

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
"""A log above this starts anew when its process does; one older log is kept."""

TAIL_LINES = 20
TAIL_BYTES = 16 * 2**10


@dataclass(frozen=True)
class Command:
    """A program to run: its arguments, its whole environment, its working directory and its log file."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    log: Path


class Child:
    """A running program. Make one with `start`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(cls, command: Command) -> Self:
        """Run the command. One that does not exist shows as one that exits at once, with the reason in its log."""
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
                start_new_session=True,  # the terminal's Ctrl-C reaches the mesh alone, which stops its parts in order
            )
        return cls(process, command.log, log_start)

    @property
    def pid(self) -> int:
        """The process id, and that of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.returncode

    async def exited(self) -> int:
        """Wait for its end; the exit code."""
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        """SIGTERM, then after `grace` seconds SIGKILL; on return neither it nor what it started is left. Repeatable."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._process.wait()
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """SIGKILL to it and to what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self) -> str:
        """Read the last lines that it has logged."""
        return tail(self._log, since=self._log_start)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def rotate(log: Path) -> None:
    """Put a log that has grown too long aside, and make its folder."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, since: int = 0, lines: int = TAIL_LINES) -> str:
    """Read the last lines of a file from byte `since` on, without reading all of it; empty where there is no file."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - TAIL_BYTES))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def exit_text(code: int) -> str:
    """Say `exited with code 1` or `was killed by SIGKILL`."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
