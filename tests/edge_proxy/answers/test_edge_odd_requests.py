"""Requests that HTTP allows and a gRPC server would choke on."""

import asyncio

import pytest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.protocols import FEED_PATH


@pytest.mark.parametrize(
    "name",
    ["*su", "x~y", "x'y", "grpc-previous-rpc-attempts", "grpc-retry-pushback-ms", "grpc-internal-encoding-request"],
)
async def test_a_header_that_no_service_could_read_stays_outside(
    edge: Edge, backend: Backend, bearer: dict[str, str], name: str
) -> None:
    """The call is answered as without it."""
    response = await edge.http.get("/feed", headers={**bearer, name: "odd"})
    assert (response.status_code, name in backend.last.metadata) == (200, False)


async def raw(edge: Edge, request: str) -> str:
    """Send bytes that no HTTP client would, and read the answer to its end."""
    host, _, port = edge.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.replace("\n", "\r\n").encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("backend")
async def test_an_unknown_transfer_coding_is_the_callers_mistake(edge: Edge) -> None:
    """400 with our reason, and no failure of ours."""
    answer = await raw(edge, "POST /users HTTP/1.1\nhost: edge\ntransfer-encoding: gzip\nconnection: close\n\n")
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"BODY_MALFORMED"' in answer


async def test_a_grpc_path_is_called_by_post(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Any other method is unknown: services would break it off, and be taken for failing."""
    for method in ("PUT", "GET", "DELETE"):
        headers = {**bearer, "content-type": "application/grpc"}
        response = await edge.http.request(method, FEED_PATH, headers=headers)
        assert (response.status_code, response.headers["grpc-status"]) == (200, "12")
    assert backend.seen == []
