"""The whole configuration that Envoy starts with."""

from edge_proxy.addresses import socket_address
from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.envoy.clusters import all_clusters
from edge_proxy.envoy.listener import public_listener
from edge_proxy.envoy.mesh_tls import mesh_secrets
from edge_proxy.envoy.overload import overload_manager
from edge_proxy.envoy.tls import edge_secrets
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import admin_socket


def bootstrap(settings: EdgeSettings) -> Json:
    """Render the configuration. Raises ContractsError where the descriptor set cannot be read."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    return {
        "node": {"id": "edge", "cluster": "lensfeed"},
        "admin": {"address": _admin_address(settings)},
        "static_resources": {
            "listeners": [public_listener(settings, methods)],
            "clusters": all_clusters(settings),
        },
        "overload_manager": overload_manager(settings),
    }


def secrets(settings: EdgeSettings) -> list[Json]:
    """Render the certificates that Envoy watches, each for a file of its own in the edge's folder."""
    return [*edge_secrets(settings), *mesh_secrets(settings)]


def _admin_address(settings: EdgeSettings) -> Json:
    """Render where Envoy's administration listens. It has no password, so that a port of it would be open to every page."""
    if settings.edge_admin_addr is not None:
        return socket_address(settings.edge_admin_addr)
    return {"pipe": {"path": str(admin_socket(settings.edge_dir)), "mode": 0o600}}
