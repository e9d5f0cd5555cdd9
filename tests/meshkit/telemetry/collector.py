"""A small OTLP collector that stores the spans it receives."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass
class Span:
    """A received span."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: list[tuple[str, str]] = field(default_factory=list)
    """The (trace, span) of each link."""
    attributes: dict[str, str] = field(default_factory=dict)
    start_ns: int = 0
    end_ns: int = 0


@dataclass
class Durations:
    """One received histogram: how many values by attributes, and its buckets."""

    counts: dict[frozenset[tuple[str, str]], int]
    bounds: list[float]


@dataclass
class Collector:
    """The received data and the collector's address."""

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: set[tuple[str, str]] = field(default_factory=set)
    """(service, metric)."""
    durations: dict[tuple[str, str], Durations] = field(default_factory=dict)
    """The newest histogram of each (service, metric)."""
    resources: dict[str, dict[str, str]] = field(default_factory=dict)
    """The attributes of each service."""


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - gRPC's name
        for resource in request.resource_spans:
            service = _service(resource)
            self._collector.spans.extend(
                Span(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    _values(span.attributes),
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                )
                for scope in resource.scope_spans
                for span in scope.spans
            )
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - gRPC's name
        for resource in request.resource_metrics:
            service = _service(resource)
            self._collector.resources[service] = _values(resource.resource.attributes)
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                self._collector.metrics.add((service, metric.name))
                if points := metric.histogram.data_points:
                    counts = {frozenset(_values(point.attributes).items()): point.count for point in points}
                    self._collector.durations[service, metric.name] = Durations(counts, list(points[0].explicit_bounds))
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _service(resource: Any) -> str:
    return _values(resource.resource.attributes)["service.name"]


def _values(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


@contextlib.asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """Run one on a free port."""
    collector = Collector()
    server = grpc.aio.server()
    add_traces: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add_metrics: Any = metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server
    add_traces(_Traces(collector), server)
    add_metrics(_Metrics(collector), server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)
