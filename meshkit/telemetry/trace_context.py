"""The W3C trace context that child calls and events carry."""

from opentelemetry import propagate

from meshkit.call import current_call
from meshkit.telemetry.switches import has_traces


def outgoing_traceparent() -> str | None:
    """Return the trace context for child calls and events: our own span's, or else the incoming one."""
    if not has_traces():
        return current_call().traceparent
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent") or current_call().traceparent
