"""The whole configuration that Envoy starts with."""

from edge_proxy.addresses import socket_address
from edge_proxy.clusters import all_clusters
from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.json_types import Json
from edge_proxy.listener import public_listener
from edge_proxy.mesh import mesh_secrets
from edge_proxy.overload import overload_manager
from edge_proxy.settings import EdgeSettings
from edge_proxy.tls import edge_secrets


def bootstrap(settings: EdgeSettings) -> Json:
    """Render the configuration. Raises ContractsError where the descriptor set cannot be read."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    return {
        "node": {"id": "edge", "cluster": "lensfeed"},
        "admin": {"address": socket_address(settings.edge_admin_addr)},
        "static_resources": {
            "listeners": [public_listener(settings, methods)],
            "clusters": all_clusters(settings),
        },
        "overload_manager": overload_manager(settings),
    }


def secrets(settings: EdgeSettings) -> list[Json]:
    """Render the certificates that Envoy watches, each for a file of its own in the edge's folder."""
    return [*edge_secrets(settings), *mesh_secrets(settings)]
