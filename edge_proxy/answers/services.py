"""gRPC services that the edge process serves itself: reflection and health.

`python -m edge_proxy run` serves them on a Unix socket (`server.py`), and Envoy routes callers there. If that server fails,
only these calls are UNAVAILABLE. `/healthz` does not depend on it.
"""

from edge_proxy.contracts import READ_COST, Method
from edge_proxy.settings.edge import EdgeSettings

# One server, and a cluster for each kind of call: reflection cannot use up the budget of health checks.
HEALTH_CLUSTER, REFLECTION_CLUSTER = "own_health", "own_reflection"
REFLECTION_SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
REFLECTION_METHOD = "ServerReflectionInfo"
HEALTH_SERVICE, HEALTH_METHOD = "grpc.health.v1.Health", "Check"


def builtin_methods(settings: EdgeSettings) -> list[Method]:
    """List these methods, which need no token."""
    reflections = [(service, REFLECTION_METHOD) for service in REFLECTION_SERVICES if settings.edge_reflection]
    return [
        Method(service, name, is_open=True, is_repeatable=False, cost=READ_COST, is_log_in=False)
        for service, name in (*reflections, (HEALTH_SERVICE, HEALTH_METHOD))
    ]
