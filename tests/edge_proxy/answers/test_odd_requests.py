"""Requests that are valid HTTP but would make a gRPC server fail."""

import asyncio

import pytest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.protocols import FEED_PATH


@pytest.mark.parametrize(
    "name",
    ["*su", "x~y", "x'y", "grpc-previous-rpc-attempts", "grpc-retry-pushback-ms", "grpc-internal-encoding-request"],
)
async def test_headers_that_grpc_rejects_are_dropped(
    edge: Edge, backend: Backend, bearer: dict[str, str], name: str
) -> None:
    """A header that a gRPC server would reject is dropped, and the call succeeds."""
    response = await edge.http.get("/feed", headers={**bearer, name: "odd"})
    assert (response.status_code, name in backend.last.metadata) == (200, False)


async def raw(edge: Edge, request: str) -> str:
    """Send raw bytes and return the whole response."""
    host, _, port = edge.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.replace("\n", "\r\n").encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("backend")
async def test_an_unknown_transfer_coding_gets_400(edge: Edge) -> None:
    """An unknown transfer coding gets 400 BODY_MALFORMED."""
    answer = await raw(edge, "POST /users HTTP/1.1\nhost: edge\ntransfer-encoding: gzip\nconnection: close\n\n")
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"BODY_MALFORMED"' in answer


async def test_grpc_calls_must_use_post(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A gRPC call with another HTTP method is UNIMPLEMENTED and reaches no service."""
    for method in ("PUT", "GET", "DELETE"):
        headers = {**bearer, "content-type": "application/grpc"}
        response = await edge.http.request(method, FEED_PATH, headers=headers)
        assert (response.status_code, response.headers["grpc-status"]) == (200, "12")
    assert backend.seen == []
