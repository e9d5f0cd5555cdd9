"""`GET /healthz`."""

from tests.edge_proxy.conftest import Edge


async def test_a_mesh_that_is_up_is_healthy(edge: Edge) -> None:
    """While every service answers its health check, the mesh is serving. No token is needed."""
    response = await edge.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "SERVING"})


async def test_a_mesh_without_services_is_not(lonely_edge: Edge) -> None:
    """Without its services the edge says that it is not serving."""
    response = await lonely_edge.http.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "NOT_SERVING"})
    assert not [name for name in response.headers if name.startswith("x-envoy")]
