"""Where calls go: one cluster for each service, and S3."""

import ssl

import certifi

from edge_proxy.addresses import Address, is_ip, socket_address
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings import EdgeSettings

SERVICES = ("user", "follow", "post", "media", "feed")
S3 = "s3"
# A service that just started should be found within a second; one check costs it well under a millisecond.
HEALTH_INTERVAL = "1s"
# Below the ten seconds at which a service takes pings for a flood, connections would be dropped.
KEEPALIVE_INTERVAL = "30s"


def service_cluster(name: str, address: Address) -> Json:
    """Render the cluster of a gRPC service, spread over all addresses that its name resolves to."""
    return _cluster(name, address) | {
        "typed_extension_protocol_options": _http2(),
        "health_checks": [
            {
                "timeout": "1s",
                "interval": HEALTH_INTERVAL,
                # By default a cluster without traffic is checked once a minute, and /healthz would lag behind.
                "no_traffic_interval": HEALTH_INTERVAL,
                "no_traffic_healthy_interval": HEALTH_INTERVAL,
                "healthy_threshold": 1,
                "unhealthy_threshold": 2,
                "grpc_health_check": {},
            }
        ],
    }


def s3_cluster(settings: EdgeSettings) -> Json:
    """Render the cluster of the object store."""
    cluster = _cluster(S3, settings.s3_address)
    if settings.s3_uses_tls:
        cluster["transport_socket"] = _tls(settings.s3_address.host)
    return cluster


def all_clusters(settings: EdgeSettings) -> list[Json]:
    """Render every cluster."""
    addresses: dict[str, Address] = {name: getattr(settings, f"{name}_addr") for name in SERVICES}
    return [*(service_cluster(name, address) for name, address in addresses.items()), s3_cluster(settings)]


def _cluster(name: str, address: Address) -> Json:
    return {
        "name": name,
        "type": "STATIC" if is_ip(address.host) else "STRICT_DNS",
        "connect_timeout": "1s",
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(address)}}]}],
        },
    }


def _http2() -> Json:
    keepalive = {"interval": KEEPALIVE_INTERVAL, "timeout": "5s"}
    kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
    options = {"http2_protocol_options": {"connection_keepalive": keepalive}}
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(kind, explicit_http_config=options)}


def _tls(host: str) -> Json:
    kind = "IP_ADDRESS" if is_ip(host) else "DNS"
    trust = {
        # Envoy verifies nothing unless it is told what to trust.
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
    """Find this machine's root certificates (SSL_CERT_FILE replaces them), or else those that certifi carries."""
    return ssl.get_default_verify_paths().cafile or certifi.where()
