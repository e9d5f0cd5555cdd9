"""Reads what a module's instruments record."""

from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from meshkit.telemetry.instruments import CounterMetric, GaugeMetric, HistogramMetric


class Recorded:
    """The values of instruments that replace those of modules."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._reader = InMemoryMetricReader()
        self.meter = MeterProvider([self._reader]).get_meter("test")

    def replace(self, module: ModuleType, **instruments: CounterMetric | GaugeMetric | HistogramMetric) -> "Recorded":
        """Record what a module records by instruments of these names."""
        for name, metric in instruments.items():
            self._monkeypatch.setattr(module, name, metric.create(self.meter))
        return self

    def values(self, metric: CounterMetric | GaugeMetric | HistogramMetric) -> dict[tuple[Any, ...], float]:
        """Return each value of a metric, or how many a histogram has, by the values of the metric's attributes in order."""
        data = self._reader.get_metrics_data()
        points = [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric.name
            for point in found.data.data_points
        ]
        return {
            tuple((point.attributes or {}).get(name, "") for name in metric.attributes): (
                point.count if isinstance(point, HistogramDataPoint) else getattr(point, "value")  # noqa: B009 - not in the types of all points
            )
            for point in points
        }
