"""Which work is traced, and what that costs."""

import asyncio
import time
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import Link, SpanContext, TraceFlags

from meshkit.call import CURRENT, Call
from meshkit.grpc.layers.base import Handler, Method
from meshkit.grpc.layers.telemetry import telemetry
from meshkit.telemetry.sampling import FollowLinks
from meshkit.telemetry.spans import processing, sending

SAMPLED, UNSAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
# Far more than the few microseconds that it takes on an idle machine.
LIMIT_SECONDS = 50e-6
CALLS = 2_000
NOTHING: Any = None


@pytest.mark.parametrize("others", [ALWAYS_ON, ALWAYS_OFF])
@pytest.mark.parametrize("flags", [SAMPLED, UNSAMPLED])
def test_linked_work_is_sampled_as_its_cause(others: Sampler, flags: TraceFlags) -> None:
    """Whatever the sampler says about new traces, work with a link follows the linked trace."""
    tracer = TracerProvider(sampler=FollowLinks(others)).get_tracer("test")
    cause = SpanContext(1, 1, is_remote=True, trace_flags=flags)
    with tracer.start_as_current_span("work", links=[Link(cause)]) as span:
        assert span.get_span_context().trace_flags.sampled == flags.sampled
        assert span.get_span_context().trace_id != 1
    assert tracer.start_span("new").is_recording() == (others is ALWAYS_ON)
    assert FollowLinks(others).get_description() == f"FollowLinks({others.get_description()})"


def test_work_of_traces_that_are_not_sampled_has_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an event of such a trace, nor anything without a collector, nor what is sent outside of a trace has a span."""
    with processing("post", f"{TRACE}-01", {}) as span, sending("post") as sent:
        assert (span, sent) == (None, None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with processing("post", f"{TRACE}-00", {}) as span:
        assert span is None
    with processing("post", f"{TRACE}-01", {}) as span:
        assert span is not None


async def test_a_call_that_is_not_sampled_costs_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With traces on, the layer adds next to nothing to a call whose trace is not sampled."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    method = Method("/lensfeed.user.v1.UserService/GetUser", "UserService", "GetUser", True, True, bytes)

    async def handler(_request: Any, _context: Any) -> None:
        return None

    CURRENT.set(Call("id", traceparent=f"{TRACE}-00"))
    plain, traced = [await _best(each) for each in (handler, telemetry()(method, handler))]
    assert traced - plain < LIMIT_SECONDS


async def _best(handler: Handler) -> float:
    """Return the seconds of a call in the best of some runs."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(CALLS):
            await handler(None, NOTHING)
        times.append((time.perf_counter() - start) / CALLS)
        await asyncio.sleep(0)
    return min(times)
