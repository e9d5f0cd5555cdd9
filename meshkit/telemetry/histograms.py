"""Hands what `buckets` counts to OpenTelemetry's readers as histograms. Needs the SDK.

The SDK knows such a metric as a counter of its values, with the metric's own name, unit and description. When a reader collects,
the counter's points become points of a histogram.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from operator import sub
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from meshkit.telemetry.buckets import Buckets, Series
from meshkit.telemetry.instruments import BUCKETS

if TYPE_CHECKING:
    _Reader = MetricReader
else:
    _Reader = object  # whichever reader the class is mixed into


class WithHistograms(_Reader):
    """Mix into a reader, before its class, to let it receive these histograms."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # First, because a reader may begin to collect in its __init__.
        self._histograms = _Histograms(BUCKETS)
        super().__init__(*args, **options)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **more: Any) -> None:
        data = self._histograms.in_place_of_counters(metrics_data)
        super()._receive_metrics(data, timeout_millis, **more)  # type: ignore[safe-super]  # it is mixed into a whole reader


class _Histograms:
    """Converts for one reader. It knows what the reader got last, so that it can send only what is new."""

    def __init__(self, buckets: Mapping[str, Buckets]) -> None:
        self._buckets = buckets
        self._sent: dict[int, tuple[list[int], float]] = {}
        self._sent_ns = 0

    def in_place_of_counters(self, data: MetricsData) -> MetricsData:
        """Return the data with a histogram instead of each counter that stands for one."""
        since, self._sent_ns = self._sent_ns, time.time_ns()
        return MetricsData([self._resource(each, since) for each in data.resource_metrics])

    def _resource(self, found: ResourceMetrics, since: int) -> ResourceMetrics:
        return replace(found, scope_metrics=[self._scope(each, since) for each in found.scope_metrics])

    def _scope(self, found: ScopeMetrics, since: int) -> ScopeMetrics:
        return replace(found, metrics=[self._metric(each, since) for each in found.metrics])

    def _metric(self, found: Metric, since: int) -> Metric:
        buckets = self._buckets.get(found.name)
        if buckets is None or not isinstance(found.data, Sum):
            return found
        how = found.data.aggregation_temporality
        points = (self._point(each, buckets, how, since) for each in found.data.data_points)
        return replace(found, data=Histogram([each for each in points if each.count], how))

    def _point(
        self, found: NumberDataPoint, buckets: Buckets, how: AggregationTemporality, since: int
    ) -> HistogramDataPoint:
        series = buckets.series[tuple((found.attributes or {}).items())]
        counts, total = list(series.counts), series.total
        if how is AggregationTemporality.DELTA:
            before, total_before = self._sent.get(id(series), ([0] * len(counts), 0.0))
            self._sent[id(series)] = (counts, total)
            counts, total = list(map(sub, counts, before)), total - total_before
        return HistogramDataPoint(
            attributes=found.attributes,
            start_time_unix_nano=found.start_time_unix_nano,
            time_unix_nano=found.time_unix_nano,
            count=sum(counts),
            sum=total,
            bucket_counts=counts,
            explicit_bounds=buckets.bounds,
            # Optional in OTLP. Of all that a process has recorded since its start, they say little.
            min=None,  # type: ignore[arg-type]
            max=None,  # type: ignore[arg-type]
            exemplars=_exemplars(series, since),
        )


def _exemplars(series: Series, since: int) -> list[Exemplar]:
    examples = [each for each in list(series.examples.values()) if each.at_ns > since]
    return [Exemplar({}, each.value, each.at_ns, each.span.span_id, each.span.trace_id) for each in examples]
