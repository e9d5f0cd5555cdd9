"""The complete bootstrap configuration of Envoy."""

from edge_proxy.addresses import socket_address
from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.envoy.clusters import all_clusters
from edge_proxy.envoy.health_listener import health_listener
from edge_proxy.envoy.listener import public_listener
from edge_proxy.envoy.mesh_tls import mesh_secrets
from edge_proxy.envoy.overload import overload_manager
from edge_proxy.envoy.tls import edge_secrets
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import admin_socket


def bootstrap(settings: EdgeSettings) -> Json:
    """Render the configuration. Raises ContractsError if the descriptor set cannot be read."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    return {
        "node": {"id": "edge", "cluster": "lensfeed"},
        # Health checks and statistics are needed most when connections run out.
        "admin": {"address": _admin_address(settings), "ignore_global_conn_limit": True},
        "static_resources": {
            "listeners": [
                public_listener(settings, methods),
                *([health_listener(settings.edge_health_addr)] if settings.edge_health_addr else []),
            ],
            "clusters": all_clusters(settings),
        },
        "overload_manager": overload_manager(settings),
    }


def secrets(settings: EdgeSettings) -> list[Json]:
    """Render the certificates that Envoy watches. Each goes to its own file in the edge's folder."""
    return [*edge_secrets(settings), *mesh_secrets(settings)]


def _admin_address(settings: EdgeSettings) -> Json:
    """Render the admin API's address. It has no password, so a port would be open to any local web page."""
    if settings.edge_admin_addr is not None:
        return socket_address(settings.edge_admin_addr)
    return {"pipe": {"path": str(admin_socket(settings.edge_dir)), "mode": 0o600}}
