"""Ends a call at its deadline."""

from typing import Any

from meshkit.call import current_call
from meshkit.errors import DeadlineExceededError
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.time_limits import TimeLimits


def deadline() -> Layer:
    """Create the layer that cancels a method at its call's deadline."""
    limits = TimeLimits()

    def layer(_method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            remaining = current_call().remaining()
            if remaining is None:
                return await handler(request, context)
            try:
                with limits.within(remaining):
                    return await handler(request, context)
            except TimeoutError:
                raise DeadlineExceededError from None

        return call

    return layer
