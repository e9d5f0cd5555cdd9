"""Spans of work that other work caused: events, jobs and what S3 reports.

Such work has a trace of its own, with a link to the trace that caused it: it may begin much later, and again and again. It is
sampled if that trace is.
"""

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from meshkit.telemetry.switches import has_traces
from meshkit.telemetry.trace_context import NOT_SAMPLED

TRACER = "lensfeed"
_SYSTEM = {"messaging.system": "redis"}


def processing(destination: str, traceparent: str | None, attributes: Mapping[str, str]) -> AbstractContextManager[Any]:
    """Trace the work on a message during the block. `traceparent` is of the work that sent it."""
    if not has_traces() or (traceparent or "").endswith(NOT_SAMPLED):
        return contextlib.nullcontext()
    return trace.get_tracer(TRACER).start_as_current_span(
        f"process {destination}",
        Context(),
        kind=trace.SpanKind.CONSUMER,
        links=_links(traceparent),
        attributes={
            **_SYSTEM,
            "messaging.operation.type": "process",
            "messaging.destination.name": destination,
            **attributes,
        },
    )


def sending(destination: str) -> AbstractContextManager[Any]:
    """Trace during the block that a message is sent, if the current work is traced. That may have ended."""
    if not trace.get_current_span().get_span_context().trace_flags.sampled:
        return contextlib.nullcontext()
    return trace.get_tracer(TRACER).start_as_current_span(
        f"send {destination}",
        kind=trace.SpanKind.PRODUCER,
        attributes={**_SYSTEM, "messaging.operation.type": "send", "messaging.destination.name": destination},
    )


def _links(traceparent: str | None) -> list[trace.Link]:
    if not traceparent:
        return []
    sender = trace.get_current_span(propagate.extract({"traceparent": traceparent})).get_span_context()
    return [trace.Link(sender)] if sender.is_valid else []
