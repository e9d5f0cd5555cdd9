"""The figures of the hot read, from the samples of its servers. Pure.

The servers are feed_svc with cards in `memory` or only in `redis`, the first asked `again` by who has the page, and the bare
method on three builds of grpcio: the `floor`, the `installed` one and the `newest`.
"""

from collections.abc import Mapping, Sequence
from importlib import metadata

from bench.figures import Figure, Goal, Sample

# The baseline, which stays when lensfeed moves to another grpcio.
FLOOR = "1.85.1"
# The newest release. Once it serves as many calls as the one in setup.cfg, move there (docs/adr/0031-an-older-grpcio.md).
NEWEST = "1.85.3"
# Samples by server.
Samples = Mapping[str, Sequence[float]]
_FLOOR_NAME = f"bare method, grpcio {FLOOR}"


def read_figures(how: str, rates: Samples, cpu_ms: Samples) -> list[Figure]:
    """Return reads per second and CPU per read against the floor. `how` is the size and the load."""
    what = f"Warm GetFeed of 20 complete items ({how}), on one core, against a bare grpc.aio + uvloop method on grpcio {FLOOR}"
    return [
        _against_floor("hot_read", f"{what} with the same answer", "calls/s", rates, "memory", Goal("at least", 0.85)),
        _against_floor(
            "hot_read_redis",
            "The same without cards in the process's memory",
            "calls/s",
            rates,
            "redis",
            Goal("at least", 0.70),
        ),
        _against_floor(
            "hot_read_again",
            "The same for a viewer who has this page (if_none_match), against the bare method with the whole page",
            "calls/s",
            rates,
            "again",
            Goal("at least", 1.0),
        ),
        _against_floor(
            "hot_read_cpu", "CPU time of the serving process for a call, with memory", "ms", cpu_ms, "memory"
        ),
    ]


def grpc_figures(rates: Samples) -> list[Figure]:
    """Return what the installed and the newest build of gRPC serve."""
    installed = f"grpcio {metadata.version('grpcio')}"
    return [
        Figure(
            "grpc_build",
            f"That bare method on the grpcio that lensfeed installs, as it runs it, against grpcio {FLOOR}",
            "calls/s",
            _pairs(rates, "installed", "floor"),
            installed,
            _FLOOR_NAME,
        ),
        Figure(
            "grpc_newest",
            "That bare method on the newest grpcio, against the one that lensfeed installs",
            "calls/s",
            _pairs(rates, "newest", "installed"),
            f"grpcio {NEWEST}",
            installed,
        ),
    ]


def redis_figures(trips: float, trips_in_redis: float, entry_bytes: float) -> list[Figure]:
    """Return what a warm read asks of Redis, and what a timeline takes there."""
    what = "Redis round trips of a warm read"
    size = "A timeline's entry in Redis (MEMORY USAGE)"
    return [
        Figure("round_trips", what, "round trips", [(trips,)], goal=Goal("at most", 1)),
        Figure(
            "round_trips_redis",
            f"{what} without cards in memory",
            "round trips",
            [(trips_in_redis,)],
            goal=Goal("at most", 2),
        ),
        Figure("entry_bytes", size, "bytes", [(entry_bytes,)], goal=Goal("at most", 19)),
    ]


def _against_floor(name: str, what: str, unit: str, samples: Samples, ours: str, goal: Goal | None = None) -> Figure:
    return Figure(name, what, unit, _pairs(samples, ours, "floor"), "feed_svc", _FLOOR_NAME, goal)


def _pairs(samples: Samples, ours: str, theirs: str) -> list[Sample]:
    return list(zip(samples[ours], samples[theirs], strict=True))
