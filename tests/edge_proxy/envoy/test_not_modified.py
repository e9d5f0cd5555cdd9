"""Answers that the caller already has."""

import asyncio

import pytest
from lensfeed.feed.v1 import feed_service_pb2

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import ORIGIN, Edge
from tests.edge_proxy.protocols import FEED_PATH, grpc_feed, grpc_web_feed
from tests.protocols import grpc_call

ETAG = 'W/"abc"'
Bearer = dict[str, str]


@pytest.fixture
def known(backend: Backend) -> Backend:
    """Return the backend while the feed is as the caller knows it."""
    backend.headers = (("etag", ETAG), ("lensfeed-not-modified", "1"))
    backend.feed = feed_service_pb2.GetFeedResponse(etag=ETAG, not_modified=True)
    return backend


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
async def test_a_known_answer_is_304(edge: Edge, known: Backend, bearer: Bearer, verb: str) -> None:
    """A 304 has no body, and the headers that the answer would have."""
    sent = {**bearer, "if-none-match": ETAG, "origin": ORIGIN, "accept-encoding": "gzip"}
    response = await edge.http.request(verb, "/feed", headers=sent)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == ETAG
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "etag" in response.headers["access-control-expose-headers"]
    assert not {"content-type", "content-length", "content-encoding", "lensfeed-not-modified"} & set(response.headers)
    assert known.last.metadata["if-none-match"] == ETAG
    assert known.last.metadata["x-lensfeed-rest"] == "1"


@pytest.mark.usefixtures("known")
async def test_a_304_leaves_its_connection_usable(edge: Edge, bearer: Bearer) -> None:
    """On one HTTP/1.1 connection, the bytes after a 304 are those of the next response."""
    host, _, port = edge.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    fields = {"host": edge.address, "if-none-match": ETAG, "accept-encoding": "gzip", **bearer}
    request = "GET /feed HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    for _ in range(3):
        writer.write(f"{request}\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
        assert head.startswith(b"http/1.1 304 ")
        assert b"transfer-encoding" not in head
    writer.close()


async def test_a_changed_answer_has_its_etag(edge: Edge, backend: Backend, bearer: Bearer) -> None:
    """A compressed answer keeps its ETag, which is weak."""
    backend.headers = (("etag", ETAG),)
    for _ in range(20):
        backend.feed.items.add().post.caption = "A long caption that is worth compressing."
    response = await edge.http.get("/feed", headers={**bearer, "accept-encoding": "gzip"})
    assert (response.status_code, response.headers["content-encoding"]) == (200, "gzip")
    assert response.headers["etag"] == ETAG
    assert response.headers["vary"] == "Accept-Encoding"


async def test_the_field_is_not_a_query_parameter(edge: Edge, backend: Backend, bearer: Bearer) -> None:
    """REST has the header only."""
    for name in ("ifNoneMatch", "if_none_match"):
        response = await edge.http.get("/feed", params={name: ETAG}, headers=bearer)
        assert response.status_code == 400
        assert response.json()["message"] == f"unknown query parameter '{name}'"
    assert backend.seen == []


async def test_grpc_has_fields(edge: Edge, known: Backend, bearer: Bearer) -> None:
    """Callers by gRPC and gRPC-Web get the answer as a message, and cannot pretend to be REST."""
    request = feed_service_pb2.GetFeedRequest(if_none_match=ETAG)
    outcome = await grpc_call(edge, FEED_PATH, request, bearer)
    assert feed_service_pb2.GetFeedResponse.FromString(outcome.answer).not_modified
    assert known.last.request.if_none_match == ETAG
    for read in (grpc_feed, grpc_web_feed):
        outcome = await read(edge, {**bearer, "x-lensfeed-rest": "1"})
        assert feed_service_pb2.GetFeedResponse.FromString(outcome.answer).not_modified
        assert "x-lensfeed-rest" not in known.last.metadata
