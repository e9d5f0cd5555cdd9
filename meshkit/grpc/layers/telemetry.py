"""Spans and request metrics. An unsampled call costs one histogram record; with telemetry off, nothing."""

import time
from typing import Any

import grpc
from opentelemetry import metrics, propagate, trace

from meshkit.call import current_call
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.telemetry import is_enabled

_SAMPLED_OFF = "-00"


def telemetry() -> Layer:
    """Create the layer that records `rpc.server.duration` by method and code, and traces sampled calls."""

    def layer(method: Method, handler: Handler) -> Handler:
        if not is_enabled():
            return handler
        return _traced(method, _measured(method, handler))

    return layer


def _measured(method: Method, handler: Handler) -> Handler:
    duration = metrics.get_meter("meshkit").create_histogram(
        "rpc.server.duration",
        unit="s",
        description="The time that each call took, by its method (`rpc.method`) and status (`rpc.code`)",
    )

    async def call(request: Any, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return await handler(request, context)
        finally:
            code = context.code() or grpc.StatusCode.OK
            name = code.name if isinstance(code, grpc.StatusCode) else str(code)
            duration.record(time.perf_counter() - start, {"rpc.method": method.path, "rpc.code": name})

    return call


def _traced(method: Method, handler: Handler) -> Handler:
    tracer = trace.get_tracer("meshkit")

    async def call(request: Any, context: Any) -> Any:
        parent = current_call().traceparent
        if parent is not None and parent.endswith(_SAMPLED_OFF):
            return await handler(request, context)
        carrier = {} if parent is None else {"traceparent": parent}
        with tracer.start_as_current_span(
            method.path.lstrip("/"), propagate.extract(carrier), kind=trace.SpanKind.SERVER
        ) as span:
            span.set_attribute("lensfeed.request_id", current_call().request_id)
            return await handler(request, context)

    return call
