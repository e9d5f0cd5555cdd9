"""Starts exporting spans and metrics, configured by the standard `OTEL_*` variables. Off unless an OTLP endpoint is set."""

import importlib.metadata
import os
import uuid
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace

from meshkit.telemetry.switches import is_enabled

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
# The default for that variable. Both exporters flush when a process ends, one after the other. With OpenTelemetry's default of
# 10 s each, an unreachable collector would delay the exit beyond the supervisor's patience.
EXPORT_SECONDS = 2.0


def set_up_telemetry(service: str) -> None:
    """Start exporting spans and metrics if an endpoint is set. Call once, before building the server."""
    if not is_enabled():
        return
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = resource_of(service)
    timeout = None if _TIMEOUT in os.environ else EXPORT_SECONDS
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=timeout)))
    trace.set_tracer_provider(spans)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=timeout))
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def resource_of(service: str) -> "Resource":
    """Return what identifies this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {
        "service.namespace": "lensfeed",
        "service.name": service,
        "service.version": importlib.metadata.version("lensfeed"),
        "service.instance.id": str(uuid.uuid4()),
    }
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})
