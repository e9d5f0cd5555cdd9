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
# Shares of `edge_max_heap_mib`. As memory fills up: first idle timeouts shrink, then connections close after their calls, finally
# calls are refused.
TIGHTEN, TIGHTEST = 0.85, 0.95
HANG_UP = 0.95
REFUSE = 0.98
# Idle timeouts also shrink as connections run out.
FEW_LEFT, NONE_LEFT = 0.5, 0.95
# Memory that ended streams leave to the allocator's caches counts as used until it is released. By itself Envoy releases it every
# 10 s, and keeps 100 MB.
SHRINK, SHRINK_INTERVAL, KEEP_FREE = 0.5, "1s", 1 / 16
# As the heap grows Envoy resets the streams that hold most memory: those of 128 KiB from 0.45 on, of 64 KiB from 0.62, of 32 KiB
# from 0.79, and of 16 KiB from 0.96. It acts whenever the scaled pressure changes, so no longer beyond saturation: that has to be
# above what a quick attack reaches between two looks.
RESET_FROM, SATURATION = 0.45, 1.8
# Envoy sorts streams by their memory into 8 classes, the first from 2^10 bytes on. It takes no smaller power.
SMALLEST_ACCOUNT_POWER = 10
# The shortest idle timeouts of a connection and of a call. Clients can reconnect; a call of theirs is never silent for long.
SHORTEST_IDLE, SHORTEST_SILENCE = "2s", "5s"


def overload_manager(settings: EdgeSettings) -> Json:
    """Render the overload manager."""
    return {
        "refresh_interval": REFRESH_INTERVAL,
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": SMALLEST_ACCOUNT_POWER},
        "resource_monitors": [_heap(settings), _connections(settings), _used_connections(settings)],
        "actions": [
            _reduce_timeouts(),
            _reset_greedy_streams(),
            _shrink_heap(settings),
            _action("disable_http_keepalive", HANG_UP),
            # The response is `refusals.OVERLOADED`, with Retry-After.
            _action("stop_accepting_requests", REFUSE),
        ],
    }


def _heap(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig"
    return extension(HEAP, kind, max_heap_size_bytes=int(settings.edge_max_heap_mib * MIB * SATURATION))


def _connections(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return extension(CONNECTIONS, kind, max_active_downstream_connections=settings.edge_max_connections)


def _used_connections(settings: EdgeSettings) -> Json:
    kind = "extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig"
    return extension(USED_CONNECTIONS, kind, filename=str(pressure_path(settings)))


def _action(name: str, threshold: float) -> Json:
    return {
        "name": f"envoy.overload_actions.{name}",
        "triggers": [{"name": HEAP, "threshold": {"value": _of_heap(threshold)}}],
    }


def _shrink_heap(settings: EdgeSettings) -> Json:
    keep = int(settings.edge_max_heap_mib * MIB * KEEP_FREE)
    kind = "config.overload.v3.ShrinkHeapConfig"
    config = typed(kind, timer_interval=SHRINK_INTERVAL, max_unfreed_memory_bytes=keep)
    return _action("shrink_heap", SHRINK) | {"typed_config": config}


def _reduce_timeouts() -> Json:
    timers = [
        {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": SHORTEST_IDLE},
        {"timer": "HTTP_DOWNSTREAM_STREAM_IDLE", "min_timeout": SHORTEST_SILENCE},
    ]
    return {
        "name": "envoy.overload_actions.reduce_timeouts",
        "triggers": [
            _scaled(HEAP, _of_heap(TIGHTEN), _of_heap(TIGHTEST)),
            _scaled(USED_CONNECTIONS, FEW_LEFT, NONE_LEFT),
        ],
        "typed_config": typed("config.overload.v3.ScaleTimersOverloadActionConfig", timer_scale_factors=timers),
    }


def _reset_greedy_streams() -> Json:
    return {
        "name": "envoy.overload_actions.reset_high_memory_stream",
        "triggers": [_scaled(HEAP, _of_heap(RESET_FROM), 1)],
    }


def _scaled(resource: str, begin: float, end: float) -> Json:
    return {"name": resource, "scaled": {"scaling_threshold": begin, "saturation_threshold": end}}


def _of_heap(share: float) -> float:
    return round(share / SATURATION, 3)
