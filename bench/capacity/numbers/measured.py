"""The measured figures: those of bench/results/latest.json."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bench.capacity.numbers.source import given
from bench.figures import Figure

_BENCH = "[measured](benchmarks.md)"


@dataclass(frozen=True)
class Measured:
    """What one call, push or photo costs. The defaults are for figures that a file of results lacks."""

    read_ms: float = given(0.618, "feed_svc's CPU time for a warm read of 20 cards", "ms", _BENCH)
    bare_ms: float = given(0.328, "CPU time of a bare gRPC call", "ms", _BENCH)
    entry_bytes: float = given(20.2, "an entry of a timeline", "bytes", _BENCH)
    pushes: float = given(9_371, "pushes of one worker", "pushes/s", _BENCH)
    large_seconds: float = given(11.4, "a fan-out to 100,000 by one worker", "s", _BENCH)
    pull_ms: float = given(0.2, "50 pulled authors in a warm read", "ms", f"{_BENCH}: the median of the differences")
    grpc_ms: float = given(0.779, "the edge's CPU time for a read by gRPC", "ms", _BENCH)
    rest_ms: float = given(2.67, "the edge's CPU time for a read by REST", "ms", _BENCH)
    store_reads: float = given(1_067, "Cassandra reads of 20 rows, client and node on two cores", "reads/s", _BENCH)
    store_writes: float = given(1_556, "Cassandra writes of one row, the same way", "writes/s", _BENCH)
    photo_ms: float = given(719, "CPU time of a photo's 12 renditions", "ms", _BENCH)

    @classmethod
    def of(cls, results: Mapping[str, Any]) -> Self:
        """Take the medians from saved results. Missing figures keep their defaults."""
        measured = results.get("measurements", {})
        by_name = {
            each["name"]: Figure.from_json(each) for benchmark in measured.values() for each in benchmark["figures"]
        }
        found = {
            name: by_name[figure].medians()[member] for name, (figure, member) in _FIGURES.items() if figure in by_name
        }
        if pulls := by_name.get("warm_50_celebrities"):
            found["pull_ms"] = max(0.0, statistics.median(ours - theirs for ours, theirs in pulls.samples))
        return cls(**found)


# The figure of each field, and which member of its pairs.
_FIGURES = {
    "read_ms": ("hot_read_cpu", 0),
    "bare_ms": ("hot_read_cpu", 1),
    "entry_bytes": ("entry_bytes", 0),
    "pushes": ("fan_out", 0),
    "large_seconds": ("large_fan_out", 0),
    "grpc_ms": ("edge_cpu_grpc", 0),
    "rest_ms": ("edge_cpu_rest", 0),
    "store_reads": ("cassandra_reads", 0),
    "store_writes": ("cassandra_writes", 0),
    "photo_ms": ("photos_worker_cpu", 0),
}
