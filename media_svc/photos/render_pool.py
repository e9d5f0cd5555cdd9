"""Render pictures: small ones in forks with little memory, a large one in its own place, a demanding one alone.

This keeps a worker with all of its processes below 512 MiB for any input. Its own 125 to 145 MiB and the fork server's 31
MiB leave room for two forks of 160 MiB, or, without the fork server, for one process of 350 MiB. Large pictures never hold all
places, and one that runs alone gives way to small ones (`places.py`).
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from media_svc.model import FailureReason, LargePictureError, MediaRejectedError
from media_svc.photos.fork_server_client import ForkServerClient
from media_svc.photos.places import Places
from media_svc.photos.renditions import Rendered, RenderLimits, read_outcome, run_alone
from media_svc.sandbox.picture_limits import LARGE_PIXELS, MAX_PIXELS, PictureLimits

MIB = 1024**2
# In addition, each maps up to 20 MiB of library code.
SMALL = RenderLimits(memory_bytes=140 * MIB)
# A second thread would need its own rows.
LARGE = RenderLimits(memory_bytes=330 * MIB, threads=1)
# What a decoder may keep. The rest is for Python, for libvips' buffers and for compression.
_FORK_DECODER_BYTES = 90 * MIB
_SMALL_PICTURE = PictureLimits(_FORK_DECODER_BYTES, LARGE_PIXELS)
_FORKED_PICTURE = PictureLimits(_FORK_DECODER_BYTES, MAX_PIXELS)


class RenderPool:
    """Renders up to `at_once` pictures, of which up to half, at least one, are large.

    All methods make the renditions of the file `original` in a private folder. They leave files there, but no process. They raise
    MediaRejectedError if the picture can never be served, AnimatedPictureError if it is animated, RenderCrashedError if the fault
    is not its own.
    """

    def __init__(self, at_once: int, small: RenderLimits = SMALL) -> None:
        self._small = small
        self._is_alone_only = at_once == 1
        self._places: Places[int] = Places(at_once)
        self.large_at_once = max(1, at_once // 2)
        self._large_places = asyncio.Semaphore(self.large_at_once)
        self._forks = ForkServerClient()

    async def __call__(self, folder: Path, content_type: str) -> Rendered:
        """Render a picture of any size."""
        try:
            return await self.small(folder, content_type)
        except LargePictureError:
            return await self.large(folder, content_type)

    async def small(self, folder: Path, content_type: str) -> Rendered:
        """Render a small picture. Raises LargePictureError if it is not, or failed perhaps for lack of memory."""
        return await self._fork(folder, content_type, _SMALL_PICTURE)

    async def large(self, folder: Path, content_type: str) -> Rendered:
        """Render a picture that `small` has refused."""
        async with self._large_places:
            if not self._is_alone_only:
                with contextlib.suppress(LargePictureError):
                    return await self._fork(folder, content_type, _FORKED_PICTURE)
            return read_outcome(folder, await self._places.whole(lambda: self._run_alone(folder, content_type)))

    async def close(self) -> None:
        """End the fork server and all forks."""
        await self._forks.stop()

    async def _fork(self, folder: Path, content_type: str, picture: PictureLimits) -> Rendered:
        async with self._places.one():
            code = await self._forks.run(folder, content_type, self._small, picture)
        return _read_fork_outcome(folder, code)

    async def _run_alone(self, folder: Path, content_type: str) -> int:
        # Not stopped halfway if this is interrupted: the next fork server must not start beside it.
        await asyncio.shield(self._forks.stop())
        return await run_alone(folder, content_type, LARGE)


def _read_fork_outcome(folder: Path, code: int) -> Rendered:
    """Return what a fork made. Raises LargePictureError if it may have failed only for lack of memory.

    Decoders often report that as damage. A fork that died may also have died before it read the picture.
    """
    if code not in {0, -signal.SIGXCPU}:
        raise LargePictureError
    try:
        return read_outcome(folder, code)
    except MediaRejectedError as error:
        if code == 0 and error.failure.reason is not FailureReason.TYPE_MISMATCH:
            raise LargePictureError from error
        raise


@contextlib.asynccontextmanager
async def open_render_pool(at_once: int, small: RenderLimits = SMALL) -> AsyncIterator[RenderPool]:
    """Open a pool. It starts its first process with the first picture."""
    pool = RenderPool(at_once, small)
    try:
        yield pool
    finally:
        await pool.close()
