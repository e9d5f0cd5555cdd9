"""Envoy's own OTLP tracer, on when the standard `OTEL_*` variables name a collector.

The edge begins each trace and decides whether it is sampled, as OTEL_TRACES_SAMPLER says. A caller's trace context decides
nothing: it is removed before (filters/early_headers.py), and so is every other header by which Envoy lets callers ask for traces.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from edge_proxy.addresses import Address
from edge_proxy.json_types import Json, extension
from meshkit.telemetry.sampled_share import sampled_share
from meshkit.telemetry.switches import has_traces

CLUSTER = "otlp"
SERVICE_NAME = "edge"
DEFAULT_PORT = 4317
# Seconds to deliver spans. Nobody waits for them.
EXPORT_TIMEOUT = "2s"


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go by gRPC, and the percentage of traces that is sampled."""

    address: Address
    uses_tls: bool
    percent: float


def find_collector(environment: Mapping[str, str] = os.environ) -> Collector | None:
    """Return the collector that the environment names, or None without traces. Raises SettingsError."""
    if not has_traces():
        return None
    named = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
    url = urlsplit(named if "//" in named else f"http://{named}")
    address = Address(url.hostname or "localhost", url.port or DEFAULT_PORT)
    return Collector(address, url.scheme == "https", 100 * sampled_share(environment))


def tracing() -> Json:
    """Render the fields of the connection manager that trace calls; none without a collector."""
    collector = find_collector()
    if collector is None:
        return {}
    provider = extension(
        "envoy.tracers.opentelemetry",
        "config.trace.v3.OpenTelemetryConfig",
        grpc_service={"envoy_grpc": {"cluster_name": CLUSTER}, "timeout": EXPORT_TIMEOUT},
        service_name=SERVICE_NAME,
    )
    return {
        "tracing": {
            "provider": provider,
            "client_sampling": {"value": 0},
            "random_sampling": {"value": collector.percent},
            # A route has the name of its method, and a REST call is on the route of the method that it became.
            "operation": "%ROUTE_NAME%",
        },
        # By default a request id decides about sampling, and those of local callers are kept.
        "request_id_extension": {
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason": False,
                "use_request_id_for_trace_sampling": False,
            }
        },
    }
