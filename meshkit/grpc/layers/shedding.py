"""Load shedding: an overloaded server refuses calls at once instead of making all of them wait."""

from typing import Any

from meshkit.errors import ResourceExhaustedError
from meshkit.grpc.layers.base import Handler, Layer, Method

RETRY_AFTER_SECONDS = 1.0


def shedding(max_in_flight: int) -> Layer:
    """Create the layer that refuses calls (OVERLOADED) while the process is serving `max_in_flight`.

    gRPC's maximum_concurrent_rpcs is not reliable with aio, and its error has no details.
    """
    in_flight = 0

    def layer(_method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            nonlocal in_flight
            if in_flight >= max_in_flight:
                raise ResourceExhaustedError("OVERLOADED", "too many calls at once", retry_after=RETRY_AFTER_SECONDS)
            in_flight += 1
            try:
                return await handler(request, context)
            finally:
                in_flight -= 1

        return call

    return layer
