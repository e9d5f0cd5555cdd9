"""Runs changes of the graph to their end, even if their callers go away."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from follow_svc.store.turns import Turns
from meshkit.call import CURRENT, current_call
from meshkit.errors import UnavailableError

# A change that loses a race is retried after a random wait of up to this many seconds.
ATTEMPTS, BACKOFF_SECONDS = 8, 0.2
# How long a stopping process waits for changes in progress.
DRAIN_SECONDS = 10.0
_begin_before: ContextVar[float | None] = ContextVar("follow_begin_before", default=None)
T = TypeVar("T")


class Changes:
    """The changes in progress. Each follower has one at a time."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, follower_id: int, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a change in its follower's turn. Once begun, it runs to the end even if the caller is cancelled.

        Raises UnavailableError if the turn does not come in time. Then nothing was begun, and nothing will be.
        """
        turn = await self._turns.take(follower_id)

        async def in_turn() -> T:
            # Without this, the call's deadline would interrupt the change. It still decides what may begin.
            _begin_before.set(current_call().deadline)
            CURRENT.set(current_call()._replace(deadline=None))
            try:
                return await change()
            finally:
                turn.release()

        return await asyncio.shield(self.start(in_turn()))

    def start(self, change: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that needs no turn."""
        task = asyncio.create_task(change)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self) -> None:
        """Wait for changes whose callers have gone, but not without end: the next one to touch a pair finishes its change."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_SECONDS
        while self._tasks and loop.time() < end:
            await asyncio.wait(self._tasks, timeout=end - loop.time())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def refuse_if_late() -> None:
    """Raise UnavailableError if the call is over: its caller may have decided otherwise, through another process."""
    before = _begin_before.get()
    if before is not None and time.monotonic() > before:
        raise UnavailableError


async def back_off() -> None:
    """Wait a moment after a lost race."""
    await asyncio.sleep(random.uniform(0, BACKOFF_SECONDS))  # noqa: S311 - spreads retries, not a secret
