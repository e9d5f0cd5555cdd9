"""Broken requests get an error at once, in the form of their protocol."""

import asyncio
import contextlib
import gzip
import struct
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at
from tests.protocols import Headers, grpc_web_outcome

PATH = "/lensfeed.post.v1.PostService/CreatePost"
MALFORMED = (400, Code.INVALID_ARGUMENT, "BODY_MALFORMED")
UNKNOWN = (404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN")
DEEP = 10_000
TWO_MEBIBYTES = bytes(2 * 1024 * 1024)
SLOW_SECONDS = 1.0
GZIPPED = gzip.compress(b"")


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/x-www-form-urlencoded", b"caption=a"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="caption"\r\n\r\na\r\n--b--'),
        ("application/xml", b"<caption>a</caption>"),
        ("application/json; charset=utf-16", '{"caption": "a"}'.encode("utf-16")),
        ("application/octet-stream", bytes(100)),
    ],
)
async def test_other_body_formats_are_malformed(
    edge: Edge, backend: Backend, bearer: Headers, content_type: str, content: bytes
) -> None:
    """Forms, XML, other encodings and random bytes get BODY_MALFORMED."""
    response = await edge.http.post("/posts", content=content, headers={**bearer, "content-type": content_type})
    assert refusal(response) == MALFORMED
    assert backend.seen == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ";;;", ""])
async def test_the_content_type_of_json_is_ignored(
    edge: Edge, backend: Backend, bearer: Headers, content_type: str
) -> None:
    """A JSON body is accepted with any content type."""
    headers = {**bearer, "content-type": content_type}
    assert (await edge.http.post("/posts", content=b'{"caption": "a"}', headers=headers)).status_code == 200
    assert backend.last.request.caption == "a"


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"5",
        b'{"caption": "a"} more',
        b'{"caption": "a"}{"caption": "b"}',
        b'{"caption": {"a": 1}}',
        b"[" * DEEP,
        b'{"later": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        gzip.compress(b'{"caption": "a"}', mtime=0),
    ],
    ids=lambda content: str(content[:24]),
)
async def test_odd_json_is_malformed(edge: Edge, backend: Backend, bearer: Headers, content: bytes) -> None:
    """Bodies that are not one object, or too deeply nested, are malformed."""
    assert refusal(await edge.http.post("/posts", content=content, headers=bearer)) == MALFORMED
    assert backend.seen == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/posts"), ("GET", "/feed"), ("POST", "/nothing")])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_large_bodies_are_refused_on_every_path(
    edge: Edge, backend: Backend, bearer: Headers, method: str, path: str, is_chunked: bool
) -> None:
    """A body of 2 MiB gets 413 for any method and path, chunked or not."""

    async def in_chunks() -> AsyncIterator[bytes]:
        yield TWO_MEBIBYTES

    response = await edge.http.request(
        method, path, content=in_chunks() if is_chunked else TWO_MEBIBYTES, headers=bearer
    )
    assert refusal(response) == (413, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert backend.seen == []


@pytest.mark.parametrize(
    ("method", "error"), [("PATCH", UNKNOWN), ("TRACE", UNKNOWN), ("OPTIONS", UNKNOWN), ("NONSENSE", UNKNOWN)]
)
async def test_other_http_methods_are_refused(
    edge: Edge, backend: Backend, bearer: Headers, method: str, error: tuple[int, int, str]
) -> None:
    """A wrong HTTP method is METHOD_UNKNOWN."""
    assert refusal(await edge.http.request(method, "/feed", headers=bearer)) == error
    assert backend.seen == []


def framed(message: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """Return a message in a gRPC frame."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


BROKEN_FRAMES = {
    "nothing": b"",
    "less than a frame": b"\0\0\0",
    "less than it says": framed(b"a", length=100),
    "more than it says": framed(b"") + b"a",
    "two messages": framed(b"") * 2,
    "JSON": b'{"caption": "a"}',
    "an unknown flag": framed(b"", flag=2),
    "compressed by nothing": framed(GZIPPED, flag=1),
}


@pytest.mark.parametrize("content", BROKEN_FRAMES.values(), ids=BROKEN_FRAMES)
@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc-web+proto"])
async def test_a_broken_frame_is_malformed(
    edge: Edge, backend: Backend, bearer: Headers, content_type: str, content: bytes
) -> None:
    """A broken frame gets an error at once, and no service waits for the rest."""
    headers = {**bearer, "content-type": content_type, "te": "trailers"}
    outcome = grpc_web_outcome(await edge.http.post(PATH, content=content, headers=headers))
    assert (outcome.code, outcome.reason) == (Code.INVALID_ARGUMENT, "BODY_MALFORMED")
    assert backend.seen == []


async def test_a_complete_frame_passes(edge: Edge, backend: Backend, bearer: Headers) -> None:
    """A complete frame passes, plain or compressed, in one piece or many."""

    async def in_chunks() -> AsyncIterator[bytes]:
        for byte in framed(b"\x0a\x01a"):
            yield bytes([byte])

    headers = {**bearer, "content-type": "application/grpc-web+proto"}
    await edge.http.post(PATH, content=in_chunks(), headers=headers)
    assert backend.last.request.caption == "a"
    compressed = framed(gzip.compress(b"\x0a\x01b"), flag=1)
    await edge.http.post(PATH, content=compressed, headers={**headers, "grpc-encoding": "gzip"})
    assert backend.last.request.caption == "b"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient_edge(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Run an edge with a short request timeout."""
    settings = {
        **services_at(running_backend.address),
        "LENSFEED_EDGE_REQUEST_SECONDS": str(SLOW_SECONDS),
        "LENSFEED_EDGE_TIMEOUT_SECONDS": "60",
    }
    async with running_edge(tmp_path_factory.mktemp("impatient"), jwks_file, settings) as edge:
        yield edge


def unfinished(edge: Edge, path: str, headers: Headers) -> httpx.Response:
    """Send one byte of a body of ten and return the response."""
    with contextlib.closing(HTTPConnection(edge.address, timeout=30)) as connection:
        connection.putrequest("POST", path)
        for name, value in {**headers, "content-length": "10"}.items():
            connection.putheader(name, value)
        connection.endheaders(b"\0")
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


@pytest.mark.slow
async def test_a_slow_body_times_out(impatient_edge: Edge, backend: Backend, bearer: Headers) -> None:
    """A body that does not arrive in time gets 408, or the status in gRPC-Web."""
    response = await asyncio.to_thread(unfinished, impatient_edge, "/posts", bearer)
    assert refusal(response) == (408, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    headers = {**bearer, "content-type": "application/grpc-web+proto"}
    outcome = grpc_web_outcome(await asyncio.to_thread(unfinished, impatient_edge, PATH, headers))
    assert (outcome.code, outcome.reason) == (Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert backend.seen == []


@pytest.mark.slow
async def test_a_slow_grpc_call_times_out(impatient_edge: Edge, backend: Backend, bearer: Headers) -> None:
    """A gRPC call whose message does not arrive gets DEADLINE_EXCEEDED."""
    method = impatient_edge.channel.stream_unary(PATH, bytes, bytes)
    call: Any = method(metadata=tuple(bearer.items()), timeout=30)  # type: ignore[call-arg]  # without an iterator one writes
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await call
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure.value.details() == "the request did not arrive in time"
    assert backend.seen == []
