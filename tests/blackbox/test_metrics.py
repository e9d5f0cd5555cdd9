"""The metrics of a mesh after some use, as Prometheus scrapes them."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from meshkit.telemetry import catalog
from meshkit.telemetry.catalog import all_metrics
from tests.blackbox.mesh import Mesh
from tests.blackbox.people import Person, eventually, new_user
from tests.deploy.test_dashboards import expressions
from tests.deploy.test_rules import SELECTOR
from tests.prometheus import running_prometheus
from tools.monitoring.queries import of_process

pytestmark = pytest.mark.mesh

# These have samples only after a failure or a clock that is wrong.
AFTER_TROUBLE = {
    catalog.WRITES_UNKNOWN,
    catalog.BATCHES_HALF_LOGGED,
    catalog.EVENTS_PARKED,
    catalog.EVENTS_DEAD,
    catalog.OUTBOX_REDRIVEN,
}
EXPECTED = {metric.prometheus_name for metric in all_metrics() if metric not in AFTER_TROUBLE}


async def _scraped(mesh: Mesh) -> Mapping[str, set[str]]:
    """Return the parts that have samples of each metric, from the targets that the mesh lists for Prometheus."""
    found: dict[str, set[str]] = {}
    async with httpx.AsyncClient() as http:
        for group in json.loads((mesh.data / "metrics.json").read_text()):
            text = (await http.get(f"http://{group['targets'][0]}/metrics")).text
            for family in text_string_to_metric_families(text):
                # The parser takes the suffix of a counter away.
                name = f"{family.name}_total" if family.type == "counter" else family.name
                if family.samples:
                    found.setdefault(name, set()).add(group["labels"]["part"])
    return found


async def _use(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Let Ann see a post of Bob's, and let Bob refuse somebody."""
    await ann.follow(bob)
    await bob.post("counted", [photo_of_bob])
    await ann.sees("counted")
    await bob.call("PATCH", "/users/me/privacy", {"visibility": "ACCOUNT_VISIBILITY_PRIVATE"})
    carl = await new_user(bob.reach, "carl")
    await carl.follow(bob)
    assert (await carl.send("GET", f"/users/{bob.user_id}/posts")).status_code == httpx.codes.FORBIDDEN


async def test_every_metric_has_samples(mesh: Mesh, ann: Person, bob: Person, photo_of_bob: str) -> None:
    """After a photo, a post, a follow, a read and a refusal, every metric has samples but those of trouble."""
    await _use(ann, bob, photo_of_bob)
    found = await eventually(lambda: _scraped(mesh), lambda found: found.keys() >= EXPECTED)
    assert "feed-serve" in found[catalog.FEED_PAGES.prometheus_name]
    assert found[catalog.FRESHNESS.prometheus_name] == {"feed-work"}
    assert found[catalog.EVENTS_WAITING.prometheus_name] == {"feed-work", "follow-serve", "media-work", "post-work"}


async def test_prometheus_evaluates_rules_and_panels(
    mesh: Mesh, ann: Person, bob: Person, photo_of_bob: str, tmp_path: Path
) -> None:
    """A real Prometheus scrapes the mesh. Rules and panels evaluate, and find every metric that they name."""
    await _use(ann, bob, photo_of_bob)
    async with running_prometheus(tmp_path, mesh.data / "metrics.json") as prometheus:
        rates = "lensfeed:slo_all:rate5m and lensfeed:slo_bad:rate5m and lensfeed:slo_burn:5m and lensfeed:slo_burn:3d"
        promised = await eventually(lambda: prometheus.query(rates), lambda series: len(series) > 2)
        assert {each["metric"]["slo"] for each in promised} == {"feed", "freshness", "uploads"}
        rules = await eventually(prometheus.rules, lambda rules: all(each["health"] != "unknown" for each in rules))
        assert {each.get("lastError", "") for each in rules} == {""}
        asked = [each["query"] for each in rules] + [each.replace("$__rate_interval", "5m") for each in expressions()]
        named = {name for each in asked for name, _ in SELECTOR.findall(each)}
        scraped = named & {f"{each}{part}" for each in EXPECTED for part in ("", "_bucket", "_count")}
        assert len(scraped) > 30
        for name in scraped:
            assert await prometheus.query(f"count({name})"), name
        for expression in asked:
            await prometheus.query(expression)
        for service in ("feed_svc", "media_svc", "post_svc"):
            found = await prometheus.query(of_process("process_resident_memory_bytes", service))
            assert {each["metric"]["service_name"] for each in found} == {service, f"{service} work"}
