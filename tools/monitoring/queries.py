"""PromQL for panels, from the metrics of the catalogue."""

from collections.abc import Sequence

from meshkit.telemetry.instruments import GaugeMetric, HistogramMetric, Metric

FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|INTERNAL|UNAVAILABLE|DATA_LOSS"
"""Statuses that are a service's own fault."""
_WINDOW = "[$__rate_interval]"


def per_second(metric: Metric, by: Sequence[str] = (), where: str = "", service: str = "") -> str:
    """Return how often something happens, by labels. A histogram counts its observations."""
    name = f"{metric.prometheus_name}_count" if isinstance(metric, HistogramMetric) else metric.prometheus_name
    return f"sum{_by(by)} (rate({_selected(name, where)}{_WINDOW}){_processes_of(service)})"


def quantile(share: float, metric: HistogramMetric, by: Sequence[str] = (), where: str = "", service: str = "") -> str:
    """Return a quantile of a histogram, by labels."""
    buckets = f"rate({_selected(f'{metric.prometheus_name}_bucket', where)}{_WINDOW}){_processes_of(service)}"
    return f"histogram_quantile({share}, sum{_by(('le', *by))} ({buckets}))"


def largest(metric: GaugeMetric, by: Sequence[str] = (), where: str = "") -> str:
    """Return a gauge that several processes report of the same thing, by labels."""
    return f"max{_by(by)} ({_selected(metric.prometheus_name, where)})"


def of_process(expression: str, service: str) -> str:
    """Return the series of a service's processes, `serve` and `work`, with the names of these."""
    return f"{expression} * on (job, instance) group_left (service_name) {processes(service)}"


def processes(service: str) -> str:
    """Return a series for each process of a service. OpenTelemetry's target_info alone says which service it is."""
    return f'group by (job, instance, service_name) (target_info{{service_name=~"{service}( work)?"}})'


def _processes_of(service: str) -> str:
    return f" * on (job, instance) group_left () {processes(service)}" if service else ""


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _selected(name: str, where: str) -> str:
    return f"{name}{{{where}}}" if where else name
