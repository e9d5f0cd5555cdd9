"""What the edge answers in gRPC by itself, beside Envoy: reflection of the public contracts, and whether the mesh is well.

`python -m edge_proxy run` serves both on a socket in the edge's folder (`own_server.py`), and Envoy leads callers there. Nothing
else depends on it: without it these calls are UNAVAILABLE, and /healthz is Envoy's own.
"""

from edge_proxy.contracts import READ_COST, Method
from edge_proxy.settings.edge import EdgeSettings

CLUSTER = "own"
REFLECTION_SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
REFLECTION_METHOD = "ServerReflectionInfo"
HEALTH_SERVICE, HEALTH_METHOD = "grpc.health.v1.Health", "Check"


def own_methods(settings: EdgeSettings) -> list[Method]:
    """List what the edge answers by itself, open to anybody."""
    reflections = [(service, REFLECTION_METHOD) for service in REFLECTION_SERVICES if settings.edge_reflection]
    return [
        Method(service, name, is_open=True, is_repeatable=False, cost=READ_COST, is_log_in=False)
        for service, name in (*reflections, (HEALTH_SERVICE, HEALTH_METHOD))
    ]
