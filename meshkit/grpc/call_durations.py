"""Records how long calls to other services take."""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import grpc

from meshkit.grpc.call_attributes import CallAttributes
from meshkit.telemetry.catalog import CLIENT_CALL_DURATION

if TYPE_CHECKING:
    _ClientInterceptor = grpc.aio.UnaryUnaryClientInterceptor[Any, Any]
else:
    _ClientInterceptor = grpc.aio.UnaryUnaryClientInterceptor  # generic in its stubs only
_duration = CLIENT_CALL_DURATION.buckets()
_attributes = lru_cache(CallAttributes)


class MeasuredCalls(_ClientInterceptor):
    """Waits for the end of each call and records its duration and status. Must be the last interceptor."""

    async def intercept_unary_unary(
        self,
        continuation: Callable[[Any, Any], Any],
        client_call_details: Any,
        request: Any,
    ) -> Any:
        """Make the call."""
        start = time.perf_counter()
        call = await continuation(client_call_details, request)
        code = grpc.StatusCode.CANCELLED
        try:
            code = await call.code()
        except asyncio.CancelledError:
            call.cancel()  # gRPC does not, while an interceptor has the call
            raise
        finally:
            method = client_call_details.method
            path = method.decode() if isinstance(method, bytes) else method
            _duration.record(time.perf_counter() - start, _attributes(path)[code])
        return call
