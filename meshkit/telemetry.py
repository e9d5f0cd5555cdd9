"""OpenTelemetry by the standard `OTEL_*` variables. Off unless an OTLP endpoint is named: then nothing of it is set up."""

import os

from opentelemetry import metrics, propagate, trace

from meshkit.call import current_call

_SWITCHES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
# Unless that says otherwise. Both exports are tried at the end of a process, one after the other: with the usual 10 s each,
# a collector that is away would keep it beyond the time that its supervisor gives it.
EXPORT_SECONDS = 2.0


def is_enabled() -> bool:
    """Tell whether an OTLP endpoint is set (and OTEL_SDK_DISABLED is not)."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in _SWITCHES)


def set_up_telemetry(service: str) -> None:
    """Begin to export spans and metrics of this process, if an endpoint is set. Call once, before the server is built."""
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
    """Return the W3C trace context for a child call or an event: our own span's, else the one that came in."""
    if not is_enabled():
        return current_call().traceparent
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent") or current_call().traceparent
