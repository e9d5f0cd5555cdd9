"""What the edge answers in gRPC by itself, beside Envoy: reflection of the public contracts, and whether the mesh is well.

`python -m edge_proxy run` serves both on a socket in the edge's folder (`own_server.py`), and Envoy leads callers there. Nothing
else depends on it: without it these calls are UNAVAILABLE, and /healthz is Envoy's own.
"""

from pathlib import Path

from edge_proxy.contracts import READ_COST, Method
from edge_proxy.settings.edge import EdgeSettings

CLUSTER = "own"
REFLECTION_SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
REFLECTION_METHOD = "ServerReflectionInfo"
HEALTH_SERVICE, HEALTH_METHOD = "grpc.health.v1.Health", "Check"
# What systems take for the name of a socket is 104 bytes or more, the last of them a zero.
MAX_SOCKET_BYTES = 103


def own_methods(settings: EdgeSettings) -> list[Method]:
    """List what the edge answers by itself, open to anybody; nothing where there is no room for its socket's name."""
    if own_socket(settings) is None:
        return []
    reflections = [(service, REFLECTION_METHOD) for service in REFLECTION_SERVICES if settings.edge_reflection]
    return [
        Method(service, name, is_open=True, is_repeatable=False, cost=READ_COST, is_log_in=False)
        for service, name in (*reflections, (HEALTH_SERVICE, HEALTH_METHOD))
    ]


def own_socket(settings: EdgeSettings) -> Path | None:
    """Name the socket; None where its folder's name is too long."""
    path = settings.edge_dir.absolute() / "own.sock"
    return path if len(str(path).encode()) <= MAX_SOCKET_BYTES else None
