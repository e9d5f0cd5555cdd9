"""Render pictures: a few beside each other in forks that have little memory, one that needs more in a process alone.

So that a worker with all of its processes stays below 512 MiB, whatever it is given: its own 125 to 145 MiB and the 31 MiB of
the process that forks leave room for two of 160 MiB, or, without that process, for one of 350.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from media_svc.forked_renders import ForkedRenders
from media_svc.model import FailureReason, MediaRejectedError
from media_svc.private_folder import NEEDS_ROOM_CODE
from media_svc.renditions import Rendered, RenderLimits, outcome, run_alone

MIB = 1024**2
# Beside it each has up to 20 MiB of the libraries' own code.
SMALL = RenderLimits(memory_bytes=140 * MIB)
# A second thread would have rows of its own under way.
LARGE = RenderLimits(memory_bytes=330 * MIB, threads=1)
# For what a decoder keeps. The rest is for Python, for what libvips has under way, and for compressing.
SMALL_ROOM_BYTES = 90 * MIB
# A process that dies so may have died of too little memory, or of what happened before it read the picture.
_UNCLEAR = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGTRAP})


class _NeedsMore(Exception):  # noqa: N818 - no error
    """It may be too large for a fork alone."""


class RenderPool:
    """Renders up to `at_once` pictures. Who needs to be alone waits until the others have ended, and they wait for it."""

    def __init__(self, at_once: int, small: RenderLimits = SMALL, large: RenderLimits = LARGE) -> None:
        self._at_once = at_once
        self._small = small
        self._large = large
        self._door = asyncio.Lock()
        self._places = asyncio.Semaphore(at_once)
        self._forks = ForkedRenders()

    async def __call__(self, folder: Path, content_type: str) -> Rendered:
        """Make the renditions of the file `original` in a private folder; other files appear there, and no process is left.

        Raises MediaRejectedError where the picture can never be served, RenderCrashedError where the fault is not its own.
        """
        async with self._holding(1):
            code = await self._forks.run(folder, content_type, self._small, SMALL_ROOM_BYTES)
        if code != NEEDS_ROOM_CODE and code not in _UNCLEAR:
            with contextlib.suppress(_NeedsMore):
                return _judged(folder, code)
        async with self._holding(self._at_once):
            await self._forks.stop()
            code = await run_alone(folder, content_type, self._large)
        return outcome(folder, code)

    @contextlib.asynccontextmanager
    async def _holding(self, places: int) -> AsyncIterator[None]:
        """Hold places. Who wants them all keeps those behind it from taking any."""
        async with contextlib.AsyncExitStack() as stack:
            async with self._door:
                for _ in range(places):
                    await stack.enter_async_context(self._places)
            yield

    async def close(self) -> None:
        """Leave no process behind."""
        await self._forks.stop()


def _judged(folder: Path, code: int) -> Rendered:
    try:
        return outcome(folder, code)
    except MediaRejectedError as error:
        if error.failure.reason is FailureReason.MEDIA_TOO_LARGE:
            raise _NeedsMore from error
        raise


@contextlib.asynccontextmanager
async def open_render_pool(at_once: int) -> AsyncIterator[RenderPool]:
    """Open one. It starts its first process when the first picture comes."""
    pool = RenderPool(at_once)
    try:
        yield pool
    finally:
        await pool.close()
