"""The Prometheus rules fire when they should, name what exists, and have a runbook for each alert."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshkit.telemetry.catalog import all_metrics
from meshkit.telemetry.instruments import HistogramMetric, Metric
from tests.prometheus import RULES, program

pytestmark = pytest.mark.slow  # it needs Prometheus

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "rules_test.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
SELECTOR = re.compile(r"\b((?:lensfeed|rpc|db)_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"')


def test_the_rules_are_valid() -> None:
    """Promtool reads every rule and finds no duplicate."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


def test_alerts_fire_when_they_should() -> None:
    """The cases of rules_test.yaml hold, and each alert fires in one of them."""
    promtool("test", "rules", str(CASES))
    cases = [case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test.get("alert_rule_test", ())]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts().keys()


def test_rules_name_metrics_and_labels_that_exist() -> None:
    """Each metric is in the catalogue, with the labels and the bucket that a rule selects by."""
    metrics = dict(series())
    found = [match for rule in _rules() for match in SELECTOR.findall(rule["expr"]) if ":" not in match[0]]
    assert len({name for name, _ in found}) > 6
    for name, selector in found:
        metric = metrics[name]
        labels = dict(MATCHER.findall(selector))
        if bound := labels.pop("le", None):
            assert isinstance(metric, HistogramMetric)
            assert float(bound.removesuffix(r"(\\.0)?")) in metric.bounds
        elif name == "lensfeed_events_oldest_seconds":
            assert labels == {"group": "feed_svc"}
        assert labels.keys() <= {attribute.replace(".", "_") for attribute in metric.attributes}, name


def test_each_alert_has_a_runbook() -> None:
    """An alert links to the section with its name, and the page has no others."""
    sections = re.findall(r"^### (\w+)$", RUNBOOKS.read_text(), re.MULTILINE)
    assert sections == list(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


@cache
def alerts() -> dict[str, Any]:
    """Return the rule of each alert, by name and in their order."""
    return {rule["alert"]: rule for rule in _rules() if "alert" in rule}


def promtool(*arguments: str) -> None:
    """Run promtool. Fails with what it says."""
    done = subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def _rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def series() -> Iterator[tuple[str, Metric]]:
    """Yield the name of each series that Prometheus has, with its metric."""
    for metric in all_metrics():
        name = metric.prometheus_name
        if isinstance(metric, HistogramMetric):
            yield from ((f"{name}_{part}", metric) for part in ("bucket", "count", "sum"))
        else:
            yield name, metric
