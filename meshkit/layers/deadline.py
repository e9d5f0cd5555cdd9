"""Deadlines: a call ends when its caller has given up on it."""

import asyncio
import math
import time
from typing import Any

from meshkit.call import current_call
from meshkit.errors import DeadlineExceededError
from meshkit.layers.base import Handler, Layer, Method


def deadline() -> Layer:
    """Make the layer that cancels a method at its call's deadline."""
    watch = _Watch()

    def layer(_method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            due = current_call().deadline
            task = asyncio.current_task()
            if due is None or task is None:
                return await handler(request, context)
            cancelled_before = task.cancelling()
            watch.begin(task, due)
            try:
                return await handler(request, context)
            except TimeoutError:
                raise DeadlineExceededError from None  # its own, of a part of it
            except asyncio.CancelledError:
                # As asyncio.timeout has it: somebody else's cancellation stays one.
                if watch.has_passed(task) and task.cancelling() - 1 <= cancelled_before:
                    raise DeadlineExceededError from None
                raise
            finally:
                watch.end(task)

        return call

    return layer


class _Watch:
    """The deadlines of all calls, with one timer for the next of them.

    Hardly any call lives to see its deadline. A timer for each, as asyncio.timeout has it, costs more than all other layers.
    """

    def __init__(self) -> None:
        self._due: dict[asyncio.Task[Any], float] = {}
        self._passed: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf

    def begin(self, task: asyncio.Task[Any], due: float) -> None:
        """Cancel a task when it is time, in time.monotonic() seconds, unless it ends before."""
        self._due[task] = due
        if due < self._wakes:
            self._wake_at(due)

    def has_passed(self, task: asyncio.Task[Any]) -> bool:
        """Tell whether a task was cancelled for its deadline."""
        return task in self._passed

    def end(self, task: asyncio.Task[Any]) -> None:
        """Let a task go."""
        del self._due[task]
        if task in self._passed:
            self._passed.remove(task)
            task.uncancel()

    def _wake_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wakes = due
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._look)

    def _look(self) -> None:
        """Cancel whose time has come, and sleep until the next: most of those for whom the timer was set have ended long ago."""
        self._timer, self._wakes = None, math.inf
        now = time.monotonic()
        for task, due in self._due.items():
            if due <= now and task not in self._passed:
                self._passed.add(task)
                task.cancel()
        left = [due for task, due in self._due.items() if task not in self._passed]
        if left:
            self._wake_at(min(left))
