"""Every metric is in the catalogue, with a name that Prometheus and the semantic conventions accept."""

import re

import pytest

from docs.generate.metrics import ROOMS
from meshkit.telemetry.catalog import all_metrics
from meshkit.telemetry.instruments import HistogramMetric, Metric
from tests.architecture.source import ROOT

CREATES = re.compile(r"\.create_(?:observable_)?(?:up_down_)?(?:counter|gauge|histogram)\(")
METRICS = {metric.name: metric for metric in all_metrics()}


def test_instruments_are_created_in_one_file() -> None:
    """No other file creates an instrument, so that every metric is in the catalogue."""
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if CREATES.search(file.read_text())]
    assert [str(file.relative_to(ROOT)) for file in files] == ["meshkit/telemetry/instruments.py"]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_a_metric_has_a_name_of_ours_or_of_the_conventions(metric: Metric) -> None:
    """A name is in lower case with dots, a description is one sentence, and buckets ascend."""
    assert re.fullmatch(r"(lensfeed|rpc|db)(\.[a-z]+(_[a-z]+)*)+", metric.name)
    assert not metric.description.endswith(".")
    if isinstance(metric, HistogramMetric):
        assert list(metric.bounds) == sorted(set(metric.bounds))
