"""A port for health checks alone, which clients cannot fill."""

from edge_proxy.addresses import Address, socket_address
from edge_proxy.answers.health import health_filter
from edge_proxy.json_types import Json, extension

IDLE_TIMEOUT = "10s"


def health_listener(address: Address) -> Json:
    """Render the listener of LENSFEED_EDGE_HEALTH_ADDR. It counts against no limit and knows only /healthz."""
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="health",
        server_name="lensfeed",
        common_http_protocol_options={"idle_timeout": IDLE_TIMEOUT},
        request_headers_timeout=IDLE_TIMEOUT,
        http_filters=[
            health_filter(),
            extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router"),
        ],
        route_config={"virtual_hosts": [{"name": "health", "domains": ["*"], "routes": []}]},
    )
    return {
        "name": "health",
        "address": socket_address(address),
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
        "filter_chains": [{"filters": [manager]}],
    }
