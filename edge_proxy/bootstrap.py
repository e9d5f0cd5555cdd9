"""The whole configuration that Envoy starts with."""

from edge_proxy.addresses import socket_address
from edge_proxy.clusters import all_clusters
from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.json_types import Json, extension
from edge_proxy.listener import public_listener
from edge_proxy.settings import EdgeSettings

# Beyond this, a connection costs everybody else memory. Each takes a file descriptor, too.
MAX_CONNECTIONS = 50_000


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
        "overload_manager": {"resource_monitors": [_connection_limit()]},
    }


def _connection_limit() -> Json:
    return extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=MAX_CONNECTIONS,
    )
