"""The calls in flight, so that a process can wait until the last of their code has run."""

import asyncio
from typing import Any

from meshkit.grpc.layers.base import Handler, Method


class InFlight:
    """Keeps the task of each call. Its `layer` is the outermost one."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def layer(self, _method: Method, handler: Handler) -> Handler:
        """Wrap a method, as every layer does."""

        async def call(request: Any, context: Any) -> Any:
            task = asyncio.current_task()
            if task is not None:  # grpc.aio runs each call in a task of its own
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return await handler(request, context)

        return call

    async def wait(self, seconds: float) -> None:
        """Return when no call is left, their answers sent and their `finally` blocks run; at the latest after `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
