"""Tracks calls in flight, so that a process can wait until all their code has run."""

import asyncio
from typing import Any

from meshkit.grpc.layers.base import Handler, Method


class InFlight:
    """Tracks the task of each call. Its `layer` must be the outermost one."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def layer(self, _method: Method, handler: Handler) -> Handler:
        """Wrap a method, like every layer."""

        async def call(request: Any, context: Any) -> Any:
            task = asyncio.current_task()
            if task is not None:  # grpc.aio runs each call in a task of its own
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return await handler(request, context)

        return call

    async def wait(self, seconds: float) -> None:
        """Wait, at most `seconds`, until all calls have been answered and their `finally` blocks have run."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
