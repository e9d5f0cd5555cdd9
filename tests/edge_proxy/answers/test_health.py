"""`GET /healthz`."""

import asyncio

from grpc_health.v1.health_pb2 import HealthCheckResponse

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, until_serving
from tests.edge_proxy.protocols import rest_feed


async def test_a_running_mesh_is_healthy(edge: Edge) -> None:
    """/healthz is 200 without a token while every service is healthy."""
    response = await edge.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "SERVING"})


async def test_a_mesh_without_services_is_unhealthy(edge_without_services: Edge) -> None:
    """/healthz is 503 without the services, and reveals no internals."""
    response = await edge_without_services.http.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "NOT_SERVING"})
    assert not [name for name in response.headers if name.startswith("x-envoy")]


async def test_a_healthy_mesh_takes_calls(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A call succeeds as soon as /healthz returns 200 again."""
    await backend.health.set("", HealthCheckResponse.NOT_SERVING)
    try:
        await _until_not_serving(edge)
    finally:
        await backend.health.set("", HealthCheckResponse.SERVING)
    await until_serving(edge)
    assert (await rest_feed(edge, bearer)).code == 0


async def _until_not_serving(edge: Edge) -> None:
    async with asyncio.timeout(30):
        while (await edge.http.get("/healthz")).status_code != 503:  # noqa: ASYNC110 - another process finds out
            await asyncio.sleep(0.05)
