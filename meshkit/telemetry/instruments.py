"""The kinds of metrics. Each one says its name, unit and meaning once, and creates its OpenTelemetry instrument."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from meshkit.telemetry.buckets import Buckets

METER = "lensfeed"
# Those of this process, by the name of their metric.
BUCKETS: dict[str, Buckets] = {}
# As Prometheus's exporter names units. Ratios and counted things have none.
_UNITS = {"s": "_seconds", "min": "_minutes", "By": "_bytes"}


class Tally:
    """A number to count up, which costs nothing but the addition."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `unit` is UCUM: `s`, `By`, `1` for a ratio, `{post}` for things that are counted."""

    name: str
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    """The keys of its attributes. Their values must be few: no ids."""
    kind: ClassVar[str]
    suffix: ClassVar[str] = ""

    @property
    def prometheus_name(self) -> str:
        """The name in Prometheus: with underscores, the unit in full, and `_total` for counters."""
        unit = _UNITS.get(self.unit, "")
        return f"{self.name.replace('.', '_')}{unit}{self.suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramMetric(Metric):
    """A distribution, such as durations."""

    bounds: tuple[float, ...]
    """The upper bounds of its buckets, in its unit. OpenTelemetry's default ones suit milliseconds only."""
    kind: ClassVar[str] = "histogram"

    def create(self, meter: Meter | None = None) -> Histogram:
        """Create the instrument, a no-op until telemetry is set up. A `record` takes the SDK 14 µs; hot paths use `buckets`."""
        return _meter(meter).create_histogram(
            self.name, self.unit, self.description, explicit_bucket_boundaries_advisory=self.bounds
        )

    def buckets(self, meter: Meter | None = None) -> Buckets:
        """Return this process's buckets of the metric, which `histograms` hands to what exports metrics."""
        if self.name not in BUCKETS:
            made = BUCKETS[self.name] = Buckets(self.bounds)

            def observe(_options: CallbackOptions) -> Iterable[Observation]:
                return [Observation(sum(series.counts), dict(key)) for key, series in list(made.series.items())]

            _meter(meter).create_observable_counter(self.name, [observe], self.unit, self.description)
        return BUCKETS[self.name]


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterMetric(Metric):
    """A number that only grows while the process lives."""

    kind: ClassVar[str] = "counter"
    suffix: ClassVar[str] = "_total"

    def create(self, meter: Meter | None = None) -> Counter:
        """Create the instrument. Each `add` takes the SDK about 8 µs of CPU; hot paths use `tallies`."""
        return _meter(meter).create_counter(self.name, self.unit, self.description)

    def tallies(self, *values: str, meter: Meter | None = None) -> tuple[Tally, ...]:
        """Create a tally for each value of the metric's only attribute. They are read when metrics are exported."""
        [attribute] = self.attributes
        made = tuple(Tally() for _ in values)

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return [Observation(each.count, {attribute: value}) for each, value in zip(made, values, strict=True)]

        _meter(meter).create_observable_counter(self.name, [observe], self.unit, self.description)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeMetric(Metric):
    """A number as it is now, which the process sets or is asked for."""

    kind: ClassVar[str] = "gauge"

    def create(self, meter: Meter | None = None) -> "metrics._Gauge":
        """Create an instrument to set."""
        return _meter(meter).create_gauge(self.name, self.unit, self.description)

    def observe(self, read: Callable[[], Iterable[Observation]], meter: Meter | None = None) -> None:
        """Read the number whenever metrics are exported."""

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            return read()

        _meter(meter).create_observable_gauge(self.name, [observe], self.unit, self.description)


def _meter(meter: Meter | None) -> Meter:
    return metrics.get_meter(METER) if meter is None else meter
