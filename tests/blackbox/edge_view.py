"""Which services the edge of a mesh takes for healthy, by its administration."""

import asyncio
import json
import re
from collections import Counter

import httpx

from edge_proxy.contracts import SERVICES
from tests.blackbox.mesh import Mesh

PATIENCE_SECONDS = 120.0
CHECKS = 2
"""So many checks of each service have to pass one after the other: the second has begun after we came."""
_COUNTER = re.compile(r"^cluster\.(\w+)\.health_check\.(success|failure): (\d+)$", re.MULTILINE)


async def until_edge_is_settled(mesh: Mesh) -> None:
    """Wait until the edge has found each service healthy twice in a row from now on.

    A part that was killed, paused or slow may serve again while a check that the edge began before is still to fail.
    """
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        httpx.AsyncClient(base_url=_administration(mesh), timeout=30) as admin,
    ):
        start = await _counts(admin)
        while not (await _all_passed(admin, start) and await _all_healthy(admin)):  # noqa: ASYNC110 - Envoy checks
            await asyncio.sleep(0.1)


def _administration(mesh: Mesh) -> str:
    address = json.loads((mesh.data / "edge" / "envoy.json").read_text())["admin"]["address"]["socket_address"]
    return f"http://{address['address']}:{address['port_value']}"


async def _counts(admin: httpx.AsyncClient) -> Counter[tuple[str, str]]:
    """Return how many checks of each service have passed and failed so far."""
    text = (await admin.get("/stats", params={"filter": "health_check"})).text
    return Counter({(service, ending): int(count) for service, ending, count in _COUNTER.findall(text)})


async def _all_passed(admin: httpx.AsyncClient, start: Counter[tuple[str, str]]) -> bool:
    """Tell whether CHECKS of each service have passed since `start`. One that has failed moves the start to now."""
    now = await _counts(admin)
    if any(now[service, "failure"] > start[service, "failure"] for service in SERVICES):
        start.update(now - start)
        return False
    return all(now[service, "success"] >= start[service, "success"] + CHECKS for service in SERVICES)


async def _all_healthy(admin: httpx.AsyncClient) -> bool:
    """Tell whether no replica of a service is left out, for whatever reason."""
    clusters = (await admin.get("/clusters", params={"format": "json"})).json()["cluster_statuses"]
    hosts = [host for each in clusters if each["name"] in SERVICES for host in each.get("host_statuses", ())]
    return len(hosts) >= len(SERVICES) and all(
        host["health_status"] == {"eds_health_status": "HEALTHY"} for host in hosts
    )
