"""The overload manager: what the edge does when memory or connections run out."""

from edge_proxy.connection_pressure import pressure_path
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.edge import EdgeSettings

HEAP = "envoy.resource_monitors.fixed_heap"
CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"
USED_CONNECTIONS = "envoy.resource_monitors.injected_resource"
# An attack fills hundreds of megabytes in a second.
REFRESH_INTERVAL = "0.1s"
MIB = 1024 * 1024
# As memory fills up: first idle timeouts shrink, then idle connections close, finally calls are refused.
TIGHTEN, TIGHTEST = 0.85, 0.95
# Idle timeouts also shrink as connections run out.
FEW_LEFT = 0.5
SHRINK = 0.95
REFUSE = 0.98
# From here on Envoy resets the streams that hold most memory, more of them the less is left. Tested with 1,400 streams of nearly
# 1 MiB each. With 0.7 to 0.9 the resets came too late.
RESET_FROM, RESET_MOST = 0.25, 0.97
# Envoy counts the memory of a stream from 2^14 bytes on.
SMALLEST_ACCOUNT_POWER = 14
# The shortest idle timeout. Clients can reconnect.
SHORTEST_IDLE = "2s"


def overload_manager(settings: EdgeSettings) -> Json:
    """Render the overload manager."""
    return {
        "refresh_interval": REFRESH_INTERVAL,
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": SMALLEST_ACCOUNT_POWER},
        "resource_monitors": [_heap(settings), _connections(settings), _used_connections(settings)],
        "actions": [
            _reduce_timeouts(),
            _reset_greedy_streams(),
            _action("shrink_heap", SHRINK),
            _action("disable_http_keepalive", SHRINK),
            # The response is `refusals.OVERLOADED`, with Retry-After.
            _action("stop_accepting_requests", REFUSE),
        ],
    }


def _heap(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig"
    return extension(HEAP, kind, max_heap_size_bytes=settings.edge_max_heap_mib * MIB)


def _connections(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return extension(CONNECTIONS, kind, max_active_downstream_connections=settings.edge_max_connections)


def _used_connections(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig"
    return extension(USED_CONNECTIONS, kind, filename=str(pressure_path(settings)))


def _action(name: str, threshold: float) -> Json:
    return {
        "name": f"envoy.overload_actions.{name}",
        "triggers": [{"name": HEAP, "threshold": {"value": threshold}}],
    }


def _reduce_timeouts() -> Json:
    timer = {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": SHORTEST_IDLE}
    return {
        "name": "envoy.overload_actions.reduce_timeouts",
        "triggers": [
            {"name": HEAP, "scaled": {"scaling_threshold": TIGHTEN, "saturation_threshold": TIGHTEST}},
            {"name": USED_CONNECTIONS, "scaled": {"scaling_threshold": FEW_LEFT, "saturation_threshold": TIGHTEST}},
        ],
        "typed_config": typed("config.overload.v3.ScaleTimersOverloadActionConfig", timer_scale_factors=[timer]),
    }


def _reset_greedy_streams() -> Json:
    trigger = {"scaling_threshold": RESET_FROM, "saturation_threshold": RESET_MOST}
    return {
        "name": "envoy.overload_actions.reset_high_memory_stream",
        "triggers": [{"name": HEAP, "scaled": trigger}],
    }
