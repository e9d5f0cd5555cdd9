"""Deadlines: a call ends when its caller has given up on it."""

import asyncio
from typing import Any

from meshkit.call import current_call
from meshkit.errors import DeadlineExceededError
from meshkit.layers.base import Handler, Layer, Method


def deadline() -> Layer:
    """Make the layer that cancels a method at its call's deadline."""

    def layer(_method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            try:
                async with asyncio.timeout(current_call().remaining()):
                    return await handler(request, context)
            except TimeoutError:
                raise DeadlineExceededError from None

        return call

    return layer
