"""How much the edge accepts, and how long it waits."""

from pydantic import Field

from meshkit.settings import Settings


class LimitSettings(Settings):
    """Limits of one edge, each from the environment variable `LENSFEED_<NAME>`."""

    edge_concurrency: int = Field(default=2, ge=1, le=1024)
    """Envoy's worker threads."""
    edge_timeout_seconds: float = Field(default=15.0, ge=0.1, le=3600)
    """How long a call may take. Also the deadline of a call that states none."""
    edge_request_seconds: float = Field(default=30.0, ge=0.1, le=3600)
    """How long an app may take to send a request. The default lets a slow phone send a megabyte."""
    edge_max_connections: int = Field(default=50_000, ge=1)
    """Connections from apps at once; further ones are closed. Each takes a file descriptor, and memory."""
    edge_max_heap_mib: int = Field(default=1024, ge=1)
    """Envoy's memory. Near the limit it closes idle connections; at 98 % it refuses calls with OVERLOADED."""
    edge_trusted_hops: int = Field(default=0, ge=0, le=16)
    """Your own proxies in front of the edge, whose `x-forwarded-for` is trusted. 0: apps connect directly."""
    edge_leave_seconds: float = Field(default=0.0, ge=0, le=300)
    """How long the edge still takes calls after SIGTERM while `/healthz` fails, so that load balancers notice."""
    edge_drain_seconds: float = Field(default=10.0, ge=0, le=300)
    """How long calls in progress may then take to finish."""
