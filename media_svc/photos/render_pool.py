"""Render pictures: several at once in forks with little memory, a demanding one alone in its own process.

This keeps a worker with all of its processes below 512 MiB for any input. Its own 125 to 145 MiB and the fork server's 31
MiB leave room for two forks of 160 MiB, or, without the fork server, for one process of 350 MiB.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.photos.fork_server_client import ForkServerClient
from media_svc.photos.renditions import Rendered, RenderLimits, read_outcome, run_alone

MIB = 1024**2
# In addition, each maps up to 20 MiB of library code.
SMALL = RenderLimits(memory_bytes=140 * MIB)
# A second thread would need its own rows.
LARGE = RenderLimits(memory_bytes=330 * MIB, threads=1)
# What a decoder may keep. The rest is for Python, for libvips' buffers and for compression.
SMALL_DECODER_BYTES = 90 * MIB


class _NeedsMoreMemory(Exception):  # noqa: N818 - it is not an error
    """The picture should be rendered again with more memory."""


class RenderPool:
    """Renders up to `at_once` pictures. A picture that must run alone waits until the others end, and new ones wait for it."""

    def __init__(self, at_once: int, small: RenderLimits = SMALL) -> None:
        self._at_once = at_once
        self._small = small
        self._door = asyncio.Lock()
        self._places = asyncio.Semaphore(at_once)
        self._forks = ForkServerClient()

    async def __call__(self, folder: Path, content_type: str) -> Rendered:
        """Make the renditions of the file `original` in a private folder. Leaves files there, but no process.

        Raises MediaRejectedError if the picture can never be served, AnimatedPictureError if it is animated,
        RenderCrashedError if the fault is not its own.
        """
        async with self._holding(1):
            code = await self._forks.run(folder, content_type, self._small, SMALL_DECODER_BYTES)
        with contextlib.suppress(_NeedsMoreMemory):
            return _read_fork_outcome(folder, code)
        async with self._holding(self._at_once):
            await self._forks.stop()
            code = await run_alone(folder, content_type, LARGE)
        return read_outcome(folder, code)

    @contextlib.asynccontextmanager
    async def _holding(self, places: int) -> AsyncIterator[None]:
        """Hold places. A caller that wants all of them blocks the callers behind it."""
        async with contextlib.AsyncExitStack() as stack:
            async with self._door:
                for _ in range(places):
                    await stack.enter_async_context(self._places)
            yield

    async def close(self) -> None:
        """End the fork server and all forks."""
        await self._forks.stop()


def _read_fork_outcome(folder: Path, code: int) -> Rendered:
    """Return what a fork made. Raises _NeedsMoreMemory if it may have failed only for lack of memory.

    Decoders often report that as damage. A fork that died may also have died before it read the picture.
    """
    if code not in {0, -signal.SIGXCPU}:
        raise _NeedsMoreMemory
    try:
        return read_outcome(folder, code)
    except MediaRejectedError as error:
        if code == 0 and error.failure.reason is not FailureReason.TYPE_MISMATCH:
            raise _NeedsMoreMemory from error
        raise


@contextlib.asynccontextmanager
async def open_render_pool(at_once: int, small: RenderLimits = SMALL) -> AsyncIterator[RenderPool]:
    """Open a pool. It starts its first process with the first picture."""
    pool = RenderPool(at_once, small)
    try:
        yield pool
    finally:
        await pool.close()
