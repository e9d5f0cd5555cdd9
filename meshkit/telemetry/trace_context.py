"""The W3C trace context that child calls, events and jobs carry."""

from opentelemetry import trace

from meshkit.call import current_call

# The end of a trace context whose trace is not sampled.
NOT_SAMPLED = "-00"
# The trace context of work that no caller has asked for.
UNTRACED = f"00-{1:032x}-{1:016x}{NOT_SAMPLED}"


def outgoing_traceparent() -> str | None:
    """Return the trace context for child calls and events: our own span's, or else the incoming one."""
    own = trace.get_current_span().get_span_context()
    if not own.is_valid:
        return current_call().traceparent
    return f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"
