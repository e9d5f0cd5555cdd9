"""Runs steps that must not stay half done, even if their caller is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from meshkit.call import CURRENT, current_call

T = TypeVar("T")
_log = structlog.get_logger()


class ToTheEnd:
    """Steps in tasks of their own, without their caller's deadline. What they call must have time-outs."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def __call__(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a step and return its result. If the caller is cancelled, the step goes on without it."""

        async def run() -> T:
            CURRENT.set(current_call()._replace(deadline=None))
            return await step()

        task = asyncio.create_task(run())
        self._running.add(task)
        task.add_done_callback(self._end)
        return await asyncio.shield(task)

    async def close(self, seconds: float) -> None:
        """Wait for running steps for some seconds, then cancel them."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):  # perhaps nobody waits for it any more
            _log.info("step_failed", error=repr(error))
