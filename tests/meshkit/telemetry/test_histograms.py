"""Buckets of our own, compared with the histograms of OpenTelemetry's SDK."""

import itertools
import random
from typing import Any

import pytest
from opentelemetry.sdk.metrics import Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from meshkit.telemetry.buckets import MAX_SERIES
from meshkit.telemetry.histograms import WithHistograms
from meshkit.telemetry.instruments import HistogramMetric

BOUNDS = (0.1, 0.5, 1)
_NUMBERS = itertools.count()


class _Reader(WithHistograms, InMemoryMetricReader):
    """A reader as processes have, which keeps what it receives."""


class Pair:
    """A metric that is recorded twice: by buckets and by the SDK's own histogram, as its oracle."""

    def __init__(self, how: AggregationTemporality = AggregationTemporality.CUMULATIVE) -> None:
        kinds: dict[type, AggregationTemporality] = {ObservableCounter: how, Histogram: how}
        self.reader = _Reader(preferred_temporality=kinds)
        meter = MeterProvider([self.reader]).get_meter("test")
        number = next(_NUMBERS)
        ours, theirs = (
            HistogramMetric(name=f"{kind}.{number}", unit="s", description="A test", bounds=BOUNDS)
            for kind in ("buckets", "oracle")
        )
        self._ours, self._theirs = ours.buckets(meter), theirs.create(meter)

    def record(self, value: float, **attributes: str) -> None:
        """Record by both."""
        self._ours.record(value, attributes)
        self._theirs.record(value, attributes)

    def collected(self) -> tuple[list[Any], list[Any]]:
        """Return what a reader gets of both, without times and extremes."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[Any]] = {"buckets": [], "oracle": []}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
            assert (metric.unit, metric.description) == ("s", "A test")
            for point in metric.data.data_points:
                assert isinstance(point, HistogramDataPoint)
                assert 0 < point.start_time_unix_nano <= point.time_unix_nano
                found[metric.name.partition(".")[0]].append(_facts(point))
        for points in found.values():
            points.sort(key=lambda facts: sorted(facts[0].items()))
        return found["buckets"], found["oracle"]


def _facts(point: HistogramDataPoint) -> tuple[Any, ...]:
    examples = sorted((each.value, each.trace_id, each.span_id) for each in point.exemplars)
    counts, bounds = list(point.bucket_counts), list(point.explicit_bounds)
    return dict(point.attributes or {}), point.count, pytest.approx(point.sum), counts, bounds, examples


@pytest.mark.parametrize("how", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_buckets_say_what_the_sdk_says(how: AggregationTemporality) -> None:
    """Whatever is recorded in whatever order, a reader gets the same points from both, at each collection."""
    pair, chance = Pair(how), random.Random(16)
    for _ in range(4):
        for _ in range(50):
            pair.record(chance.choice([*BOUNDS, chance.random() * 2]), method=chance.choice("abc"), status="OK")
        ours, theirs = pair.collected()
        assert ours == theirs
        assert len(ours) == 3
    if how is AggregationTemporality.DELTA:
        assert pair.collected() == ([], [])


def test_two_readers_get_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one reader has received is still new to another one."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    first, second = (_Reader({ObservableCounter: AggregationTemporality.DELTA}) for _ in range(2))
    metric = HistogramMetric(name=f"both.{next(_NUMBERS)}", unit="s", description="A test", bounds=BOUNDS)
    buckets = metric.buckets(MeterProvider([first, second]).get_meter("test"))
    with TracerProvider().get_tracer("test").start_as_current_span("work"):
        buckets.record(0.2, {})
    for reader in (first, second):
        data: Any = reader.get_metrics_data()
        [point] = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
        assert (point.count, len(point.exemplars)) == (1, 1)


@pytest.mark.parametrize("how", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_values_of_sampled_spans_are_examples(how: AggregationTemporality, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket shows its newest value that belongs to a sampled span, once."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    pair = Pair(how)
    sampled, unsampled = TracerProvider().get_tracer("test"), TracerProvider(ALWAYS_OFF).get_tracer("test")
    for tracer, values in ((sampled, (0.2, 0.3, 0.7)), (unsampled, (0.4,))):
        for value in values:
            with tracer.start_as_current_span("work"):
                pair.record(value, method="a")
    pair.record(0.45, method="a")
    [ours], [theirs] = pair.collected()
    assert ours == theirs
    assert [value for value, *_ in ours[-1]] == [0.3, 0.7]
    pair.record(0.9, method="a")
    [ours], [theirs] = pair.collected()
    assert ours == theirs
    assert ours[-1] == []


def test_attributes_without_end_share_a_series() -> None:
    """Attributes of too many values cannot fill the memory, and nothing is lost."""
    reader = _Reader()
    metric = HistogramMetric(name=f"many.{next(_NUMBERS)}", unit="s", description="A test", bounds=BOUNDS)
    buckets = metric.buckets(MeterProvider([reader]).get_meter("test"))
    for number in range(MAX_SERIES + 5):
        buckets.record(0.2, {"id": str(number)})
    data: Any = reader.get_metrics_data()
    points = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert len(points) == MAX_SERIES + 1
    assert {point.count for point in points if "otel.metric.overflow" in point.attributes} == {5}
