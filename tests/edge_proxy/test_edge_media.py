"""Finished media through the edge, from a real S3."""

import asyncio

import httpx
import pytest
from google.rpc.code_pb2 import Code

from devmesh.bucket import S3, s3_client
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.test_edge_errors import refusal

BYTES = bytes(range(256)) * 8


@pytest.fixture
async def stored(s3: S3) -> None:
    """Store one public and one private object."""
    async with s3_client(s3) as client:
        for key in ("m/edge-test/picture.jpg", "private/edge-test.jpg"):
            await client.put_object(
                Bucket=s3.bucket, Key=key, Body=BYTES, ContentType="image/jpeg", CacheControl="max-age=60"
            )


def assert_anonymous(response: httpx.Response) -> None:
    """Check that nothing in an answer names the store."""
    assert response.headers["server"] == "lensfeed"
    assert not [name for name in response.headers if name.startswith(("x-amz", "x-seaweed", "x-envoy"))]


@pytest.mark.usefixtures("stored")
async def test_media_are_served_without_a_token(edge: Edge) -> None:
    """A rendition comes out byte for byte with its type, and browsers must not guess another."""
    response = await edge.http.get("/m/edge-test/picture.jpg")
    assert response.status_code == 200
    assert response.content == BYTES
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert_anonymous(response)


@pytest.mark.usefixtures("stored")
async def test_the_store_never_sees_a_token(edge: Edge, bearer: dict[str, str]) -> None:
    """An app that sends its token everywhere gets its picture all the same, which the store would refuse."""
    response = await edge.http.get("/m/edge-test/picture.jpg", headers={**bearer, "x-amz-date": "nonsense"})
    assert response.content == BYTES


@pytest.mark.usefixtures("stored")
async def test_players_can_ask_for_parts(edge: Edge) -> None:
    """HEAD, ranges and conditional requests work, as players and caches need them."""
    head = await edge.http.head("/m/edge-test/picture.jpg")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(BYTES)))
    part = await edge.http.get("/m/edge-test/picture.jpg", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, BYTES[10:20])
    same = await edge.http.get("/m/edge-test/picture.jpg", headers={"if-none-match": head.headers["etag"]})
    assert same.status_code == 304
    beyond = await edge.http.get("/m/edge-test/picture.jpg", headers={"range": "bytes=999999-"})
    assert refusal(beyond) == (416, Code.OUT_OF_RANGE, "RANGE_INVALID")


async def test_an_absent_medium_is_404(edge: Edge) -> None:
    """What is not there is told in our words, not in the store's XML."""
    response = await edge.http.get("/m/edge-test/nothing.jpg")
    assert refusal(response) == (404, Code.NOT_FOUND, "MEDIA_NOT_FOUND")
    assert_anonymous(response)
    head = await edge.http.head("/m/edge-test/nothing.jpg")
    assert (head.status_code, head.content) == (404, b"")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "path",
    [
        "/m/../private/edge-test.jpg",
        "/m/%2e%2e/private/edge-test.jpg",
        "/m/..%2fprivate/edge-test.jpg",
        "/m//../private/edge-test.jpg",
        "/m/edge-test/picture.jpg?acl",
        "/m/edge-test/picture.jpg?response-content-type=text/html",
        "/m/",
        "/m/?list-type=2",
    ],
)
async def test_only_public_media_are_reached(edge: Edge, path: str) -> None:
    """No path or query leads out of the public prefix, or to another operation of the store."""
    # Over a bare socket: an HTTP client would tidy the path up.
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404"))
    assert b'"code"' in answer
    assert BYTES not in answer
    assert b"xml" not in answer.lower()


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_media_are_read_only(edge: Edge, method: str) -> None:
    """Nothing is written through the edge."""
    response = await edge.http.request(method, "/m/edge-test/picture.jpg", content=b"other")
    assert refusal(response) == (404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert (await edge.http.get("/m/edge-test/picture.jpg")).content == BYTES


async def test_an_unreachable_store_is_503(lonely_edge: Edge) -> None:
    """The store's absence is told like a service's."""
    response = await lonely_edge.http.get("/m/edge-test/picture.jpg")
    assert refusal(response) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"
