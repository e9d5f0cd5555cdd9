"""`GET /healthz`."""

from tests.edge_proxy.conftest import Edge


async def test_a_running_mesh_is_healthy(edge: Edge) -> None:
    """/healthz is 200 without a token while every service is healthy."""
    response = await edge.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "SERVING"})


async def test_a_mesh_without_services_is_unhealthy(edge_without_services: Edge) -> None:
    """/healthz is 503 without the services, and reveals no internals."""
    response = await edge_without_services.http.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "NOT_SERVING"})
    assert not [name for name in response.headers if name.startswith("x-envoy")]
