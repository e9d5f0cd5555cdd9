"""Render pictures: a few beside each other in forks that have little memory, one that needs more in a process alone.

So that a worker with all of its processes stays below 512 MiB, whatever it is given: its own 125 to 145 MiB and the 31 MiB of
the process that forks leave room for two of 160 MiB, or, without that process, for one of 350.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.photos.forked_renders import ForkedRenders
from media_svc.photos.renditions import Rendered, RenderLimits, outcome, run_alone

MIB = 1024**2
# Beside it each has up to 20 MiB of the libraries' own code.
SMALL = RenderLimits(memory_bytes=140 * MIB)
# A second thread would have rows of its own under way.
LARGE = RenderLimits(memory_bytes=330 * MIB, threads=1)
# For what a decoder keeps. The rest is for Python, for what libvips has under way, and for compressing.
SMALL_ROOM_BYTES = 90 * MIB


class _NeedsMore(Exception):  # noqa: N818 - it is no error
    """It is to be tried with more memory."""


class RenderPool:
    """Renders up to `at_once` pictures. Who needs to be alone waits until the others have ended, and they wait for it."""

    def __init__(self, at_once: int, small: RenderLimits = SMALL) -> None:
        self._at_once = at_once
        self._small = small
        self._door = asyncio.Lock()
        self._places = asyncio.Semaphore(at_once)
        self._forks = ForkedRenders()

    async def __call__(self, folder: Path, content_type: str) -> Rendered:
        """Make the renditions of the file `original` in a private folder; other files appear there, and no process is left.

        Raises MediaRejectedError where the picture can never be served, RenderCrashedError where the fault is not its own.
        """
        async with self._holding(1):
            code = await self._forks.run(folder, content_type, self._small, SMALL_ROOM_BYTES)
        with contextlib.suppress(_NeedsMore):
            return _clear_outcome(folder, code)
        async with self._holding(self._at_once):
            await self._forks.stop()
            code = await run_alone(folder, content_type, LARGE)
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


def _clear_outcome(folder: Path, code: int) -> Rendered:
    """Return what a fork has made. Raises _NeedsMore where it may have failed for its little memory only.

    Decoders often mistake that for damage. A fork that died may also have died of what happened before it read the picture.
    """
    if code not in {0, -signal.SIGXCPU}:
        raise _NeedsMore
    try:
        return outcome(folder, code)
    except MediaRejectedError as error:
        if code == 0 and error.failure.reason is not FailureReason.TYPE_MISMATCH:
            raise _NeedsMore from error
        raise


@contextlib.asynccontextmanager
async def open_render_pool(at_once: int, small: RenderLimits = SMALL) -> AsyncIterator[RenderPool]:
    """Open one. It starts its first process when the first picture comes."""
    pool = RenderPool(at_once, small)
    try:
        yield pool
    finally:
        await pool.close()
