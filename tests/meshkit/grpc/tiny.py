"""Runs the tiny service as a process."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
# Only so that a failing test ends.
LIMIT_SECONDS = 30.0


class Tiny:
    """A running tiny service, and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Everything it has logged so far; fails if a line is not JSON."""
        try:
            return [json.loads(line) for line in self.lines]
        except json.JSONDecodeError:
            raise AssertionError("not JSON:\n" + "\n".join(self.lines)) from None

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for a line."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            while not (found := [line for line in self.logs if line["event"] == event]):
                assert not self._reading.done(), f"it ended without {event}: {self.lines}"
                await self._changed.wait()
        return found[0]

    async def address(self) -> str:
        """Wait until it serves, and return its address."""
        return str((await self.logged("serving"))["address"])

    def terminate(self) -> None:
        """Ask it to drain."""
        self._process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Wait for its end."""
        async with asyncio.timeout(LIMIT_SECONDS):
            await self._reading
            return await self._process.wait()

    async def end(self) -> None:
        """Make sure that it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.exit_code()

    async def _read(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            await self._add(line.decode().rstrip())
        await self._add()

    async def _add(self, *lines: str) -> None:
        async with self._changed:
            self.lines.extend(lines)
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def tiny(command: str = "serve", **environment: str) -> AsyncIterator[Tiny]:
    """Start one; on leaving the block it is gone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LENSFEED_", "OTEL_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.meshkit.grpc.tiny_service", command),
        cwd=ROOT,
        env={**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'protos'}", "LENSFEED_LOG_FORMAT": "json", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    running = Tiny(process)
    try:
        yield running
    finally:
        await running.end()
