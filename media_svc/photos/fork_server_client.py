"""The client of `media_svc.sandbox.fork_server`: starts it, sends it pictures to render, and collects the results."""

import asyncio
import itertools
import json
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from media_svc.photos.renditions import RenderCrashedError, RenderLimits, environment
from media_svc.sandbox.picture_limits import PictureLimits

_log = structlog.get_logger()


class ForkServerClient:
    """Renders each picture in a fork of one process, which starts on demand, also after `stop`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._numbers = itertools.count()
        self._codes: dict[int, asyncio.Future[int]] = {}

    async def run(self, folder: Path, content_type: str, limits: RenderLimits, picture: PictureLimits) -> int:
        """Return the exit code of a fork, or minus its signal. The fork is killed on timeout or cancellation.

        Raises RenderCrashedError if the fork server has ended.
        """
        process = await self._started(limits.threads)
        number = next(self._numbers)
        ended = self._codes[number] = asyncio.get_running_loop().create_future()
        job = {
            "number": number,
            "folder": str(folder),
            "content_type": content_type,
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "decoder_limit": picture.decoder_bytes,
            "pixel_limit": picture.pixels,
        }
        try:
            _send(process, job)
            await asyncio.wait({ended}, timeout=limits.wall_seconds)
            return ended.result() if ended.done() else -signal.SIGXCPU
        finally:
            if not ended.done():
                _send(process, {"kill": number})
                await asyncio.wait({ended})
            if not ended.cancelled():
                ended.exception()  # a cancelled caller never reads it

    async def stop(self) -> None:
        """End the fork server and its forks."""
        async with self._starting:
            process, self._process = self._process, None
            if process is None or self._reading is None:
                return
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
            await self._reading

    async def _started(self, threads: int) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None or self._reading is None:
                self._process = process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "media_svc.sandbox.fork_server"),
                    cwd="/",
                    env=environment(Path("/"), threads),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
                self._reading = asyncio.create_task(self._read(process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Read results until the fork server ends. Forks without a result have ended with it."""
        if process.stdout is not None:
            while line := await process.stdout.readline():
                report = json.loads(line)
                self._codes.pop(report["number"]).set_result(report["code"])
        code = await process.wait()
        if self._codes:
            _log.warning("fork_server_ended", code=code)
        for ended in self._codes.values():
            ended.set_exception(RenderCrashedError(f"The fork server has ended with {code}."))
        self._codes.clear()


def _send(process: asyncio.subprocess.Process, order: dict[str, Any]) -> None:
    """Send a line. Does nothing if the process has ended; `_read` handles that."""
    if process.stdin is not None:
        process.stdin.write(json.dumps(order).encode() + b"\n")
