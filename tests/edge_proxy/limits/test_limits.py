"""Limits on requests, connections and memory."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from google.rpc.code_pb2 import Code

from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at
from tests.edge_proxy.protocols import FEED_PATH, ReadFeed, grpc_feed, rest_feed

pytestmark = pytest.mark.slow


async def answer_to(edge: Edge, request: bytes) -> tuple[bytes, bytes]:
    """Send raw bytes and return the status line and body of the response."""
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.partition(b"\r\n")[0], body


async def test_headers_have_a_limit(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Too large or too many headers get our 431."""
    for headers in ({"x-large": "a" * 33 * 1024}, {f"x-{number}": "a" for number in range(120)}):
        response = await edge.http.get("/feed", headers={**bearer, **headers})
        assert refusal(response) == (431, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert backend.seen == []


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /feed\x00 HTTP/1.1",
        "GET /users/5%2Fposts HTTP/1.1",
        "GET /users%5C5 HTTP/1.1",
        "NONSENSE",
    ],
)
async def test_odd_requests_are_refused(edge: Edge, backend: Backend, request_line: str) -> None:
    """Ambiguous requests are refused and reach no service."""
    line, _ = await answer_to(edge, f"{request_line}\r\nhost: edge\r\nconnection: close\r\n\r\n".encode())
    assert line.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert backend.seen == []


@pytest.mark.parametrize("path", ["//feed", "/./feed", "/x/../feed", "///feed?limit=3"])
async def test_paths_are_normalized(edge: Edge, backend: Backend, bearer: dict[str, str], path: str) -> None:
    """Different spellings of a path reach the same method with the same rules."""
    token = bearer["authorization"]
    request = f"GET {path} HTTP/1.1\r\nhost: edge\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
    line, body = await answer_to(edge, request.encode())
    assert line.startswith(b"HTTP/1.1 200")
    assert b'"items"' in body
    line, body = await answer_to(edge, f"GET {path} HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n".encode())
    assert line.startswith(b"HTTP/1.1 401")
    assert [seen.method for seen in backend.seen] == ["GetFeed"]


async def test_conflicting_lengths_are_refused(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A request with conflicting lengths is refused and its connection is closed."""
    smuggled = "0\r\n\r\nGET /feed HTTP/1.1\r\nhost: edge\r\n\r\n"
    head = f"POST /posts HTTP/1.1\r\nhost: edge\r\nauthorization: {bearer['authorization']}\r\n"
    for lengths in (f"content-length: {len(smuggled)}\r\ntransfer-encoding: chunked\r\n", "content-length: 3, 5\r\n"):
        line, _ = await answer_to(edge, f"{head}{lengths}\r\n{smuggled}".encode())
        assert line.startswith(b"HTTP/1.1 400")
    assert backend.seen == []


async def test_every_response_has_nosniff(edge: Edge, bearer: dict[str, str]) -> None:
    """All responses have nosniff, and no HSTS without TLS."""
    for response in (await edge.http.get("/feed", headers=bearer), await edge.http.get("/nothing")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in response.headers


@pytest.mark.parametrize("read_feed", [rest_feed, grpc_feed])
async def test_an_edge_without_memory_refuses_calls(
    edge_without_memory: Edge, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """Near its memory limit the edge answers OVERLOADED with a retry delay, in each protocol."""
    outcome = await read_feed(edge_without_memory, bearer)
    assert (outcome.code, outcome.reason) == (Code.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert (outcome.retry_after, outcome.retry_delay) == ("1", 1)


async def test_an_edge_without_memory_refuses_grpc_web(edge_without_memory: Edge, bearer: dict[str, str]) -> None:
    """In gRPC-Web OVERLOADED comes in headers only, because Envoy sends no body."""
    sent = {**bearer, "content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
    response = await edge_without_memory.http.post(FEED_PATH, content=bytes(5), headers=sent)
    assert (response.status_code, response.content) == (200, b"")
    assert (response.headers["grpc-status"], response.headers["retry-after"]) == (
        str(int(Code.RESOURCE_EXHAUSTED)),
        "1",
    )
    assert "grpc-status-details-bin" in response.headers


async def test_an_edge_without_memory_is_http_429(edge_without_memory: Edge, bearer: dict[str, str]) -> None:
    """In REST OVERLOADED is a 429."""
    assert refusal(await edge_without_memory.http.get("/feed", headers=bearer)) == (
        429,
        Code.RESOURCE_EXHAUSTED,
        "OVERLOADED",
    )


async def test_connections_have_a_limit(
    tmp_path: Path, jwks_file: Path, backend: Backend, bearer: dict[str, str]
) -> None:
    """Connections over the limit are closed, and existing ones keep working."""
    settings = {**services_at(backend.address), "LENSFEED_EDGE_MAX_CONNECTIONS": "2"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        assert (await edge.http.get("/healthz")).status_code in {200, 503}  # the first of two
        second = await asyncio.open_connection(*edge.address.split(":"))
        second[1].write(b"GET /healthz HTTP/1.1\r\nhost: edge\r\n\r\n")
        assert await second[0].readline()
        async with httpx.AsyncClient() as third:
            with pytest.raises(httpx.TransportError):
                await third.get(f"http://{edge.address}/healthz")
        assert (await edge.http.get("/healthz")).status_code in {200, 503}
        second[1].close()


async def test_calls_are_logged(tmp_path: Path, jwks_file: Path, backend: Backend, bearer: dict[str, str]) -> None:
    """Log lines are JSON with request id and user, without token and query."""
    settings = {**services_at(backend.address), "LENSFEED_EDGE_ACCESS_LOG": "all"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        async with asyncio.timeout(30):
            while not (response := await edge.http.get("/feed?limit=7", headers=bearer)).is_success:  # noqa: ASYNC110 - the service must become healthy
                await asyncio.sleep(0.05)
        await edge.http.get("/users/7/posts")
        while len(edge.log_lines()) < 2 or edge.log_lines()[-1]["status"] != 401:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.05)
    *_, good, bad = [line for line in edge.log_lines() if line["path"] != "/healthz"]
    assert good["request_id"] == response.headers["x-request-id"] == backend.last.metadata["x-request-id"]
    wanted = {"user": "42", "method": "GET", "path": "/feed", "status": 200, "cluster": "feed", "address": "127.0.0.1"}
    assert {name: good[name] for name in wanted} == wanted
    assert (bad["status"], bad["user"]) == (401, None)
    assert "limit" not in json.dumps(good)
    assert bearer["authorization"].rpartition(".")[2] not in edge.log.read_text()
