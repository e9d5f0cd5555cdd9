"""OpenTelemetry, configured by the standard `OTEL_*` variables. Off unless an OTLP endpoint is set."""

import os

from opentelemetry import metrics, propagate, trace

from meshkit.call import current_call

_SWITCHES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
# The default for that variable. Both exporters flush when a process ends, one after the other. With OpenTelemetry's default of
# 10 s each, an unreachable collector would delay the exit beyond the supervisor's patience.
EXPORT_SECONDS = 2.0


def is_enabled() -> bool:
    """Tell whether an OTLP endpoint is set (and OTEL_SDK_DISABLED is not)."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in _SWITCHES)


def set_up_telemetry(service: str) -> None:
    """Start exporting spans and metrics if an endpoint is set. Call once, before building the server."""
    if not is_enabled():
        return
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": service, "service.namespace": "lensfeed"})
    timeout = None if _TIMEOUT in os.environ else EXPORT_SECONDS
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    trace.set_tracer_provider(spans)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=timeout))
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def outgoing_traceparent() -> str | None:
    """Return the W3C trace context for child calls and events: our own span's, or else the incoming one."""
    if not is_enabled():
        return current_call().traceparent
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent") or current_call().traceparent
