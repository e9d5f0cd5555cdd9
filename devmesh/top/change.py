"""What happened between two snapshots: rates and percentiles, as Prometheus calculates them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from devmesh.top.scrape import Sample, Snapshot

# The values of the labels by which figures are grouped. `part` is the process.
Key = tuple[str, ...]
PART = "part"


class Change:
    """The change from one snapshot to a later one."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self._before = before
        self.after = after
        self._seconds = max(after.at - before.at, 1e-9)
        self._grown: dict[str, list[tuple[Sample, float]]] = {}

    def rates(self, name: str, *by: str, only: Callable[[Sample], bool] = lambda _: True) -> dict[Key, float]:
        """Return by how much a counter grew in a second, grouped by labels. Processes add up."""
        grown: dict[Key, float] = defaultdict(float)
        for sample, growth in self._growth(name):
            if only(sample):
                grown[_key(sample, by)] += growth / self._seconds
        return dict(grown)

    def quantiles(self, name: str, quantile: float, *by: str) -> dict[Key, float]:
        """Return a quantile of what a histogram recorded meanwhile, grouped by labels; nothing where it recorded nothing."""
        counts: dict[Key, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        for sample, growth in self._growth(f"{name}_bucket"):
            counts[_key(sample, by)][float(sample.labels["le"])] += growth
        found = {key: quantile_of(buckets, quantile) for key, buckets in counts.items()}
        return {key: value for key, value in found.items() if value is not None}

    def latest(self, name: str, *by: str) -> dict[Key, float]:
        """Return the highest latest value of a gauge, grouped by labels: processes that measure the same thing agree."""
        found: dict[Key, float] = {}
        for sample in self.after.samples.get(name, ()):
            key = _key(sample, by)
            found[key] = max(sample.value, found.get(key, -math.inf))
        return found

    def _growth(self, name: str) -> list[tuple[Sample, float]]:
        """Return how much each series grew. Several figures are made of one metric."""
        if name not in self._grown:
            self._grown[name] = list(self._compare(name))
        return self._grown[name]

    def _compare(self, name: str) -> Iterable[tuple[Sample, float]]:
        """Yield how much each series grew. One whose process was restarted began at 0."""
        earlier = {_identity(sample): sample.value for sample in self._before.samples.get(name, ())}
        for sample in self.after.samples.get(name, ()):
            before = earlier.get(_identity(sample), 0.0)
            yield sample, sample.value - before if sample.value >= before else sample.value


def quantile_of(buckets: Mapping[float, float], quantile: float) -> float | None:
    """Return a quantile from cumulative counts by upper bound, interpolated within its bucket; None without a count.

    Above the highest bound that bound is returned, as by Prometheus's `histogram_quantile`.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = quantile * buckets[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and not math.isinf(bound):
            share = (rank - below) / ((buckets[bound] - below) or 1.0)
            return lower + (bound - lower) * share
        if not math.isinf(bound):
            lower, below = bound, buckets[bound]
    return lower


def _key(sample: Sample, by: Iterable[str]) -> Key:
    return tuple(sample.part if label == PART else sample.labels.get(label, "") for label in by)


def _identity(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.part, frozenset(sample.labels.items())
