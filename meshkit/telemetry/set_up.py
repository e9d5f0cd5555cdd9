"""Starts exporting spans and metrics: by OTLP, as the standard `OTEL_*` variables say, and to Prometheus.

The SDK and the exporters are imported here only, because a process without telemetry must not pay for them.
"""

import importlib.metadata
import os
import uuid
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace

from meshkit.telemetry.sampled_share import sampled_share
from meshkit.telemetry.switches import METRICS_ADDR, has_metrics, has_traces, sends

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.resources import Resource

_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
# The default for that variable. Both exporters flush when a process ends, one after the other. With OpenTelemetry's default of
# 10 s each, an unreachable collector would delay the exit beyond the supervisor's patience.
EXPORT_SECONDS = 2.0


def set_up_telemetry(service: str) -> None:
    """Start exporting what is switched on. Call once, before building the server.

    Raises SettingsError if the sampler's argument is wrong. The SDK would sample everything.
    """
    if has_traces():
        sampled_share()
        _set_up_traces(service)
    if has_metrics():
        _set_up_metrics(service)


def resource_of(service: str) -> "Resource":
    """Return what identifies this process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {
        "service.namespace": "lensfeed",
        "service.name": service,
        "service.version": importlib.metadata.version("lensfeed"),
        "service.instance.id": _INSTANCE,
    }
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})


_INSTANCE = str(uuid.uuid4())


def _set_up_traces(service: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from meshkit.telemetry.sampling import FollowLinks

    spans = TracerProvider(resource=resource_of(service))
    spans.sampler = FollowLinks(spans.sampler)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_timeout())))
    trace.set_tracer_provider(spans)


def _set_up_metrics(service: str) -> None:
    from opentelemetry.sdk.metrics import MeterProvider

    readers = [*([_otlp_reader()] if sends("METRICS") else []), *([_reader()] if os.environ.get(METRICS_ADDR) else [])]
    metrics.set_meter_provider(MeterProvider(resource=resource_of(service), metric_readers=readers))


def _otlp_reader() -> "MetricReader":
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from meshkit.telemetry.histograms import WithHistograms

    class Reader(WithHistograms, PeriodicExportingMetricReader):
        """Sends metrics by OTLP."""

    return Reader(OTLPMetricExporter(timeout=_timeout()))


def _reader() -> "MetricReader":
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    from meshkit.telemetry.histograms import WithHistograms

    class Reader(WithHistograms, PrometheusMetricReader):
        """Serves metrics to Prometheus."""

    return Reader(scope_info_enabled=False)  # every instrument has the same scope


def _timeout() -> float | None:
    return None if _TIMEOUT in os.environ else EXPORT_SECONDS
