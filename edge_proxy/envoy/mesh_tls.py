"""mTLS to the services. The edge shows its certificate and checks each service's name."""

from edge_proxy.envoy.secrets import certificate_secret, from_file, trust_secret
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings
from meshkit.identity.parts import EDGE, MeshIdentity, dns_name, spiffe_id

CERTIFICATE = "mesh_certificate"
TRUST = "mesh_trust"
# Both ends are ours, so no older version is needed.
VERSION = "TLSv1_3"


def mesh_secrets(settings: EdgeSettings) -> list[Json]:
    """List the mesh's certificates that Envoy watches. Raises SettingsError if one cannot be read."""
    if settings.mesh_tls is None:
        return []
    edge = MeshIdentity.find(settings.mesh_tls, EDGE)
    return [certificate_secret(CERTIFICATE, edge.certificate, edge.key), trust_secret(TRUST, edge.authorities)]


def mesh_socket(settings: EdgeSettings, service: str) -> Json:
    """Render the TLS of a service's cluster, including health checks; nothing without mTLS."""
    if settings.mesh_tls is None:
        return {}
    identity = {"san_type": "URI", "matcher": {"exact": spiffe_id(service)}}
    common = {
        "tls_params": {"tls_minimum_protocol_version": VERSION, "tls_maximum_protocol_version": VERSION},
        "alpn_protocols": ["h2"],
        "tls_certificate_sds_secret_configs": [from_file(CERTIFICATE, settings.edge_dir)],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [identity]},
            "validation_context_sds_secret_config": from_file(TRUST, settings.edge_dir),
        },
    }
    kind = "extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    socket = extension("envoy.transport_sockets.tls", kind, common_tls_context=common, sni=dns_name(service))
    return {"transport_socket": socket}
