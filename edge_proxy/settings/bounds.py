"""How much the edge takes on, and how long it waits."""

from pydantic import Field

from meshkit.settings import Settings


class LimitSettings(Settings):
    """Limits of one edge, each from the environment variable `LENSFEED_<NAME>`."""

    edge_concurrency: int = Field(default=2, ge=1, le=1024)
    """Worker threads of Envoy."""
    edge_timeout_seconds: float = Field(default=15.0, ge=0.1, le=3600)
    """How long a call may take; becomes the deadline of one that states none."""
    edge_request_seconds: float = Field(default=30.0, ge=0.1, le=3600)
    """How long an app may take to send a request. The default is enough for a slow phone's megabyte."""
    edge_max_connections: int = Field(default=50_000, ge=1)
    """Connections from apps at once; what comes above is closed. Each takes a file descriptor, and memory."""
    edge_max_heap_mib: int = Field(default=1024, ge=1)
    """Memory in MiB. Near it the edge gives memory back and lets idle connections go; at 98 % it refuses calls."""
    edge_trusted_hops: int = Field(default=0, ge=0, le=16)
    """Proxies of ours before the edge, whose `x-forwarded-for` tells an app's address. 0: apps connect directly."""
    edge_leave_seconds: float = Field(default=0.0, ge=0, le=300)
    """After SIGTERM: how long new calls are still taken while /healthz fails, for load balancers to notice."""
    edge_drain_seconds: float = Field(default=10.0, ge=0, le=300)
    """After that: how long calls in hand may take to finish."""
