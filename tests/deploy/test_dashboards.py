"""The Grafana dashboards are what their code writes, and their panels ask for what exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshkit.telemetry.catalog import all_metrics
from tests.deploy.test_rules import MATCHER, SELECTOR, promtool, series
from tests.prometheus import RULES
from tools.imports import SERVICES
from tools.monitoring.files import FOLDER, texts

# Every series has the first two from Prometheus itself.
GIVEN = {"job", "instance", "le"}
OF_PROCESSES = {"target_info", "process_cpu_seconds_total", "process_resident_memory_bytes"}
GROUPED = re.compile(r"\bby \(([^)]*)\)")
NAME = re.compile(r"\b(?:lensfeed|rpc|db|target|process)_\w+(?=[{)\[ ]|$)|\blensfeed:[\w:]+")


def test_the_files_are_what_the_code_writes() -> None:
    """Nobody edits the JSON, and there is a dashboard of each service."""
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == texts()
    assert {f"{each}.json" for each in ("promises", *SERVICES)} == texts().keys()


def test_panels_name_what_exists() -> None:
    """Each metric is in the catalogue with the labels that a panel selects and groups by, or recorded by a rule."""
    metrics = dict(series())
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    known = metrics.keys() | recorded | OF_PROCESSES
    for expression in expressions():
        selected = [(name, matchers) for name, matchers in SELECTOR.findall(expression) if name in metrics]
        assert {name for name in NAME.findall(expression) if not _is_label(name)} <= known, expression
        labels = {each for name, _ in selected for each in _labels(metrics[name].attributes)}
        used = {label for _, matchers in selected for label, _ in MATCHER.findall(matchers)}
        used |= {label.strip() for group in GROUPED.findall(expression) for label in group.split(",")}
        assert used <= labels | GIVEN | {"service_name"}, expression


def test_every_metric_is_on_a_dashboard() -> None:
    """A metric that is added to the catalogue is added to a panel."""
    text = "\n".join(expressions())
    assert [each.name for each in all_metrics() if not re.search(rf"\b{each.prometheus_name}", text)] == []


def test_panels_differ_in_place_and_name() -> None:
    """No panel covers another, and none has the name of another in its row."""
    for board in _boards():
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(set(places)) == len(places), board["title"]
        titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]
        assert len(titles) > 5


@pytest.mark.slow
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    """Promtool parses what each panel asks."""
    rules = [
        {"record": f"panel:number{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))


def _boards() -> Iterator[dict[str, Any]]:
    yield from (json.loads(text) for text in texts().values())


def expressions() -> list[str]:
    """Return what the panels ask, with Grafana's own variables in it."""
    panels = [panel for board in _boards() for panel in board["panels"]]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def _rules() -> Iterator[dict[str, Any]]:
    yield from (rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"])


def _labels(attributes: tuple[str, ...]) -> Iterator[str]:
    return (attribute.replace(".", "_") for attribute in attributes)


def _is_label(name: str) -> bool:
    return any(name in _labels(metric.attributes) for metric in all_metrics())
