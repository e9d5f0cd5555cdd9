"""Work that a process repeats until it stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


async def every(seconds: float, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Yield at once, and again after each pause, until the process stops. A pause begins when a step is done."""
    while not stopping.is_set():
        yield
        await pause(seconds, stopping)


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Wait for so many seconds, or until the process stops."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
