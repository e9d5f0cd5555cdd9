"""A pseudo-terminal: what a command prints there, and what a person types."""

import asyncio
import os
import pty
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from termios import TIOCSWINSZ

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Session:
    """Everything that a command printed to a terminal, and its exit code."""

    code: int | None
    screen: str


async def at_terminal(
    command: Sequence[str], env: Mapping[str, str], answers: Mapping[str, str], *, columns: int = 80
) -> Session:
    """Run a command on a terminal. Type each answer once, when the text before it has appeared."""
    master, slave = pty.openpty()
    ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    # readline puts the size of the terminal of the tests, or 80 columns and 24 lines, into the environment.
    own = {name: value for name, value in env.items() if name not in {"COLUMNS", "LINES"}}
    process = await asyncio.create_subprocess_exec(*command, env=own, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            screen = await _read(master, dict(answers))
            return Session(await process.wait(), screen)
    finally:
        os.close(master)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _read(master: int, answers: dict[str, str]) -> str:
    seen = b""
    while chunk := await _chunk(master):
        seen += chunk
        for asked in [each for each in answers if each.encode() in seen]:
            os.write(master, answers.pop(asked).encode())
    return seen.decode(errors="replace")


async def _chunk(master: int) -> bytes:
    """Wait for the next bytes; empty when the last process has left the terminal."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(master, ready.set)
    try:
        await ready.wait()
        return os.read(master, 65_536)
    except OSError:
        return b""
    finally:
        loop.remove_reader(master)
