"""TLS for apps. The certificate can be renewed while the edge runs."""

from pathlib import Path

from edge_proxy.envoy.secrets import certificate_secret, from_file
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings

CERTIFICATE = "edge_certificate"
# Clients that need an older version are a decade old.
MIN_VERSION = "TLSv1_2"
PROTOCOLS = ("h2", "http/1.1")


def edge_secrets(settings: EdgeSettings) -> list[Json]:
    """List the edge's own certificate as a secret; empty without TLS."""
    certificate, key = settings.edge_tls_cert_file, settings.edge_tls_key_file
    return [] if certificate is None or key is None else [certificate_secret(CERTIFICATE, certificate, key)]


def transport_socket(settings: EdgeSettings, folder: Path) -> Json:
    """Render the listener's TLS; nothing without a certificate. `folder` holds the secrets' files."""
    if not settings.edge_uses_tls:
        return {}
    common = {
        "tls_params": {"tls_minimum_protocol_version": MIN_VERSION},
        "alpn_protocols": list(PROTOCOLS),
        "tls_certificate_sds_secret_configs": [from_file(CERTIFICATE, folder)],
    }
    kind = "extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    return {
        "transport_socket": extension("envoy.transport_sockets.tls", kind, common_tls_context=common),
        # Close connections that do not finish the handshake.
        "transport_socket_connect_timeout": "10s",
    }
