"""Which services the edge of a mesh considers healthy, by Envoy's admin API."""

import asyncio
import re
from collections import Counter

import httpx

from edge_proxy.contracts import SERVICES
from edge_proxy.sockets import admin_socket
from tests.blackbox.mesh import Mesh

TIMEOUT_SECONDS = 120.0
CHECKS = 2
"""How many checks of each service must pass in a row: the second one began after the wait did."""
_COUNTER = re.compile(r"^cluster\.(\w+)\.health_check\.(success|failure): (\d+)$", re.MULTILINE)


async def until_edge_is_settled(mesh: Mesh) -> None:
    """Wait until the edge has found each service healthy twice in a row.

    A part that was killed or paused may serve again while a check from before can still fail.
    """
    socket = httpx.AsyncHTTPTransport(uds=str(admin_socket(mesh.data / "edge")))
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        httpx.AsyncClient(base_url="http://envoy", transport=socket, timeout=30) as admin,
    ):
        start = await _counts(admin)
        while not (await _all_passed(admin, start) and await _all_healthy(admin)):  # noqa: ASYNC110 - Envoy checks
            await asyncio.sleep(0.1)


async def _counts(admin: httpx.AsyncClient) -> Counter[tuple[str, str]]:
    """Return how many checks of each service have passed and failed so far."""
    text = (await admin.get("/stats", params={"filter": "health_check"})).text
    return Counter({(service, ending): int(count) for service, ending, count in _COUNTER.findall(text)})


async def _all_passed(admin: httpx.AsyncClient, start: Counter[tuple[str, str]]) -> bool:
    """Tell whether CHECKS of each service have passed since `start`. A failed check moves `start` to now."""
    now = await _counts(admin)
    if any(now[service, "failure"] > start[service, "failure"] for service in SERVICES):
        start.update(now - start)
        return False
    return all(now[service, "success"] >= start[service, "success"] + CHECKS for service in SERVICES)


async def _all_healthy(admin: httpx.AsyncClient) -> bool:
    """Tell whether the edge uses every replica of each service."""
    clusters = (await admin.get("/clusters", params={"format": "json"})).json()["cluster_statuses"]
    hosts = [host for each in clusters if each["name"] in SERVICES for host in each.get("host_statuses", ())]
    return len(hosts) >= len(SERVICES) and all(
        host["health_status"] == {"eds_health_status": "HEALTHY"} for host in hosts
    )
