"""Spans and request metrics. An unsampled call costs one histogram record; with telemetry off, nothing."""

import time
from typing import Any

import grpc
from opentelemetry import propagate, trace
from opentelemetry.trace import Status, StatusCode

from meshkit.call import current_call
from meshkit.grpc.call_attributes import CallAttributes, public_name
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.telemetry.catalog import SERVER_CALL_DURATION
from meshkit.telemetry.spans import TRACER
from meshkit.telemetry.switches import has_metrics, has_traces
from meshkit.telemetry.trace_context import NOT_SAMPLED

# The statuses that are the server's fault, by the conventions for RPC. The others say what the caller did wrong.
_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


def telemetry() -> Layer:
    """Create the layer that records the duration of each call by method and status, and traces sampled calls."""

    def layer(method: Method, handler: Handler) -> Handler:
        if has_metrics():
            handler = _measured(method, handler)
        return _traced(method, handler) if has_traces() else handler

    return layer


def _measured(method: Method, handler: Handler) -> Handler:
    duration = SERVER_CALL_DURATION.buckets()
    attributes = CallAttributes(method.path)

    async def call(request: Any, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return await handler(request, context)
        finally:
            duration.record(time.perf_counter() - start, attributes[context.code() or grpc.StatusCode.OK])

    return call


def _traced(method: Method, handler: Handler) -> Handler:
    tracer = trace.get_tracer(TRACER)
    name = public_name(method.path)
    attributes = CallAttributes(method.path)

    async def call(request: Any, context: Any) -> Any:
        parent = current_call().traceparent
        if parent is not None and parent.endswith(NOT_SAMPLED):
            return await handler(request, context)
        carrier = {} if parent is None else {"traceparent": parent}
        with tracer.start_as_current_span(
            name,
            propagate.extract(carrier),
            kind=trace.SpanKind.SERVER,
            # The error that a layer below has logged or turned into a status.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            span.set_attribute("lensfeed.request_id", current_call().request_id)
            try:
                return await handler(request, context)
            finally:
                code = context.code() or grpc.StatusCode.OK
                span.set_attributes(attributes[code])
                if code in _FAULTS:
                    span.set_status(Status(StatusCode.ERROR))

    return call
