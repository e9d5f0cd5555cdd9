"""The metrics of a mesh after some use, as Prometheus scrapes them."""

import json
from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from meshkit.telemetry import catalog
from meshkit.telemetry.catalog import all_metrics
from tests.blackbox.mesh import Mesh
from tests.blackbox.people import Person, eventually, new_user

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


async def test_every_metric_has_samples(mesh: Mesh, ann: Person, bob: Person, photo_of_bob: str) -> None:
    """After a photo, a post, a follow, a read and a refusal, every metric has samples but those of trouble."""
    await ann.follow(bob)
    await bob.post("counted", [photo_of_bob])
    await ann.sees("counted")
    await bob.call("PATCH", "/users/me/privacy", {"visibility": "ACCOUNT_VISIBILITY_PRIVATE"})
    carl = await new_user(bob.reach, "carl")
    await carl.follow(bob)
    assert (await carl.send("GET", f"/users/{bob.user_id}/posts")).status_code == httpx.codes.FORBIDDEN
    found = await eventually(lambda: _scraped(mesh), lambda found: found.keys() >= EXPECTED)
    assert "feed-serve" in found[catalog.FEED_PAGES.prometheus_name]
    assert found[catalog.FRESHNESS.prometheus_name] == {"feed-work"}
    assert found[catalog.EVENTS_WAITING.prometheus_name] == {"feed-work", "follow-serve", "media-work", "post-work"}
