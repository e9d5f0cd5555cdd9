"""Upstream clusters: one for each service, one for S3."""

import ssl
from pathlib import Path

import certifi

from edge_proxy.addresses import Address, is_ip, socket_address
from edge_proxy.answers.services import HEALTH_CLUSTER, REFLECTION_CLUSTER
from edge_proxy.contracts import SERVICES
from edge_proxy.envoy.media_ages import store_protocol
from edge_proxy.envoy.mesh_tls import mesh_socket
from edge_proxy.envoy.tracing import CLUSTER as TRACES
from edge_proxy.envoy.tracing import Collector, find_collector
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.limits.rules import CLUSTER as LIMITS
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import builtin_socket
from meshkit.identity.parts import EDGE

S3 = "s3"
# A check costs a service well under a millisecond.
HEALTH_INTERVAL = "1s"
# While a service is away, so that it gets calls well within a second of its start.
RETURN_INTERVAL = "0.25s"
# A process on a busy machine may take this long. After two failures, some five seconds, a hanging one is marked unhealthy.
HEALTH_TIMEOUT = "2s"
# A connection to a hanging process is closed after interval plus timeout, with its calls. Services refuse pings that come
# more often than every three seconds (meshkit/grpc/server.py).
KEEPALIVE = {"interval": "5s", "timeout": "3s"}
# Small, so that a slow reader pauses its writer instead of filling the edge's memory.
BUFFER_BYTES = 32 * 1024
STREAM_WINDOW_BYTES = 64 * 1024
CONNECTION_WINDOW_BYTES = 1024 * 1024
# Far above the number at which services refuse calls themselves (LENSFEED_MAX_IN_FLIGHT).
MAX_CALLS = 8192
MAX_CONNECTIONS = 4096
# These calls come from people, not apps.
MAX_BUILTIN_CALLS = 64
# At most a fifth of all calls are retries, so that a failing service does not get double load.
RETRY_BUDGET = {"budget_percent": {"value": 20}, "min_retry_concurrency": 10}


def service_cluster(name: str, *addresses: Address) -> Json:
    """Render the cluster of a gRPC service. Calls are spread over all addresses, and over all that a name resolves to."""
    return _cluster(name, *addresses) | {
        "typed_extension_protocol_options": _http2(),
        "health_checks": [
            {
                "timeout": HEALTH_TIMEOUT,
                "interval": HEALTH_INTERVAL,
                "unhealthy_interval": RETURN_INTERVAL,
                # By default an idle cluster is checked once a minute, and /healthz would lag.
                "no_traffic_interval": RETURN_INTERVAL,
                "no_traffic_healthy_interval": HEALTH_INTERVAL,
                "healthy_threshold": 1,
                "unhealthy_threshold": 2,
                "grpc_health_check": {},
            }
        ],
        # Do not keep calls waiting on an unhealthy replica.
        "close_connections_on_host_health_failure": True,
        "common_lb_config": {
            # By default Envoy calls all replicas, hanging ones too, when few are healthy.
            "healthy_panic_threshold": {"value": 0},
            # By default calls see a change of health up to a second after /healthz does.
            "update_merge_window": "0s",
        },
    }


def s3_cluster(settings: EdgeSettings) -> Json:
    """Render the cluster of the object store."""
    cluster = _cluster(S3, settings.s3_address) | {
        "typed_extension_protocol_options": store_protocol(settings),
        # Conditional requests are retried by design (media_conditions.lua).
        "circuit_breakers": {"thresholds": [_breaker() | {"retry_budget": {"budget_percent": {"value": 100}}}]},
    }
    if settings.s3_uses_tls:
        cluster["transport_socket"] = _tls(settings.s3_address.host)
    return cluster


def all_clusters(settings: EdgeSettings) -> list[Json]:
    """Render every cluster."""
    addresses: dict[str, tuple[Address, ...]] = {name: getattr(settings, f"{name}_addr") for name in SERVICES}
    services = (service_cluster(name, *several) | mesh_socket(settings, name) for name, several in addresses.items())
    limits = [_limits_cluster(settings)] if settings.limits_addr else []
    socket = builtin_socket(settings.edge_dir)
    builtin = (_builtin_cluster(name, socket) for name in (HEALTH_CLUSTER, REFLECTION_CLUSTER))
    collector = find_collector()
    traces = [] if collector is None else [_collector_cluster(collector)]
    return [*services, s3_cluster(settings), *builtin, *limits, *traces]


def _builtin_cluster(name: str, socket: Path) -> Json:
    """Render a cluster of the edge's own gRPC server: one small process without health checks."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {"thresholds": [{"max_requests": MAX_BUILTIN_CALLS}]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": _http2(),
    }


def _limits_cluster(settings: EdgeSettings) -> Json:
    """Render the cluster of the rate limit service, which has the edge's certificate."""
    return service_cluster(LIMITS, *settings.limits_addr) | mesh_socket(settings, EDGE)


def _collector_cluster(collector: Collector) -> Json:
    """Render the cluster of the collector of traces. It has no health checks: without it, spans are lost and nothing else."""
    cluster = _cluster(TRACES, collector.address) | {"typed_extension_protocol_options": _http2()}
    return cluster | {"transport_socket": _tls(collector.address.host)} if collector.uses_tls else cluster


def _cluster(name: str, *addresses: Address) -> Json:
    return {
        "name": name,
        "type": "STATIC" if all(is_ip(each.host) for each in addresses) else "STRICT_DNS",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "lb_policy": "ROUND_ROBIN",
        # A restarted replica may have another address. By default names are resolved every five seconds.
        "dns_refresh_rate": "1s",
        "circuit_breakers": {"thresholds": [_breaker()]},
        "outlier_detection": _outliers(),
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(each)}} for each in addresses]}],
        },
    }


def _breaker() -> Json:
    return {
        "max_connections": MAX_CONNECTIONS,
        "max_pending_requests": MAX_CALLS,
        "max_requests": MAX_CALLS,
        "retry_budget": RETRY_BUDGET,
    }


def _outliers() -> Json:
    """Eject a replica after five UNAVAILABLE or missing responses in a row, even if it passes health checks.

    At most half of the replicas are ejected. Other errors do not count: one caller's bad requests must not cost
    others a replica.
    """
    return {
        "interval": "2s",
        "base_ejection_time": "5s",
        "max_ejection_percent": 50,
        "split_external_local_origin_errors": True,
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        "consecutive_local_origin_failure": 5,
        "enforcing_consecutive_5xx": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
    }


def _http2() -> Json:
    kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {
        "connection_keepalive": KEEPALIVE,
        "initial_stream_window_size": STREAM_WINDOW_BYTES,
        "initial_connection_window_size": CONNECTION_WINDOW_BYTES,
    }
    options = {"http2_protocol_options": http2}
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(kind, explicit_http_config=options)}


def _tls(host: str) -> Json:
    kind = "IP_ADDRESS" if is_ip(host) else "DNS"
    trust = {
        # Without this, Envoy does not verify the certificate.
        "trusted_ca": {"filename": _trusted_roots()},
        "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}],
    }
    return extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        common_tls_context={"validation_context": trust},
        **({} if is_ip(host) else {"sni": host}),
    )


def _trusted_roots() -> str:
    """Return the machine's root certificates (or SSL_CERT_FILE); certifi's if there are none."""
    return ssl.get_default_verify_paths().cafile or certifi.where()
