"""Media through the edge, from a real S3."""

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from google.rpc.code_pb2 import Code

from devmesh.parts.bucket import S3
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.s3 import s3_client

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

BYTES = bytes(range(256)) * 8


@pytest.fixture
async def stored(s3: S3) -> None:
    """Store two public objects, one of them uncacheable, and a private one."""
    kept = {"m/edge-test/picture.jpg": "max-age=60", "m/edge-test/live.jpg": "no-store", "private/edge-test.jpg": ""}
    async with s3_client(s3) as client:
        for key, control in kept.items():
            await client.put_object(
                Bucket=s3.bucket, Key=key, Body=BYTES, ContentType="image/jpeg", CacheControl=control
            )


def assert_anonymous(response: httpx.Response) -> None:
    """Check that a response does not reveal the store."""
    assert response.headers["server"] == "lensfeed"
    assert not [name for name in response.headers if name.startswith(("x-amz", "x-seaweed", "x-envoy"))]


@pytest.mark.usefixtures("stored")
async def test_media_are_served_without_a_token(edge: Edge) -> None:
    """A rendition is served unchanged with its type and nosniff, without a token."""
    response = await edge.http.get("/m/edge-test/picture.jpg")
    assert response.status_code == 200
    assert response.content == BYTES
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"] == "max-age=60"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert_anonymous(response)


@pytest.mark.usefixtures("stored")
async def test_the_store_never_sees_a_token(edge: Edge, bearer: dict[str, str]) -> None:
    """Tokens are not forwarded to the store, which would refuse them."""
    response = await edge.http.get("/m/edge-test/picture.jpg", headers={**bearer, "x-amz-date": "nonsense"})
    assert response.content == BYTES


@pytest.mark.usefixtures("stored")
async def test_ranges_and_conditions_work(edge: Edge) -> None:
    """HEAD, range and conditional requests work."""
    head = await edge.http.head("/m/edge-test/picture.jpg")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(BYTES)))
    part = await edge.http.get("/m/edge-test/picture.jpg", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, BYTES[10:20])
    same = await edge.http.get("/m/edge-test/picture.jpg", headers={"if-none-match": head.headers["etag"]})
    assert same.status_code == 304
    beyond = await edge.http.get("/m/edge-test/live.jpg", headers={"range": "bytes=999999-"})
    assert refusal(beyond) == (416, Code.OUT_OF_RANGE, "RANGE_INVALID")


async def test_an_absent_medium_is_404(edge: Edge) -> None:
    """A missing file gets our error, not the store's XML."""
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
async def test_only_public_media_can_be_read(edge: Edge, path: str) -> None:
    """No path or query leads outside the public prefix or to another operation of the store."""
    # Over a raw socket, because an HTTP client would normalize the path.
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
    """Media cannot be written through the edge."""
    response = await edge.http.request(method, "/m/edge-test/picture.jpg", content=b"other")
    assert refusal(response) == (404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert (await edge.http.get("/m/edge-test/picture.jpg")).content == BYTES


async def test_an_unreachable_store_is_503(edge_without_services: Edge) -> None:
    """An unreachable store gets 503 with Retry-After."""
    response = await edge_without_services.http.get("/m/edge-test/picture.jpg")
    assert refusal(response) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


@pytest.fixture
async def file(s3: S3) -> AsyncIterator[tuple[str, "S3Client"]]:
    """Store a file of a popular medium. Yields its path and an S3 client."""
    name = f"m/{token_hex(8)}/{token_hex(16)}.avif"
    async with s3_client(s3) as client:
        await client.put_object(
            Bucket=s3.bucket,
            Key=name,
            Body=BYTES,
            ContentType="image/avif",
            CacheControl="public, max-age=31536000, immutable, s-maxage=259200",
        )
        yield f"/{name}", client


async def test_cache_ages(edge: Edge, file: tuple[str, "S3Client"]) -> None:
    """Browsers cache a file as immutable, a CDN by popularity and the edge for a minute."""
    for _ in range(2):
        response = await edge.http.get(file[0])
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable, s-maxage=60"
        assert response.headers["cdn-cache-control"] == "public, max-age=259200"


async def test_a_file_comes_from_the_cache(edge: Edge, s3: S3, file: tuple[str, "S3Client"]) -> None:
    """Cached files are served whole or in ranges; revalidation asks the store."""
    path, client = file
    first = await edge.http.get(path)
    async with asyncio.timeout(30):
        while "age" not in (await edge.http.get(path)).headers:  # noqa: ASYNC110 - the cache is written in the background
            await asyncio.sleep(0.05)
    await client.delete_object(Bucket=s3.bucket, Key=path[1:])
    whole = await edge.http.get(path, headers={"cache-control": "no-cache"})
    assert (whole.status_code, whole.content) == (200, BYTES)
    assert 0 <= int(whole.headers["age"]) <= 60
    part = await edge.http.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, BYTES[10:20])
    same = await edge.http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert same.status_code == 404
    for response in (whole, part):
        assert response.headers["content-type"] == "image/avif"
        assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert_anonymous(response)


async def test_media_are_harmless(edge: Edge, file: tuple[str, "S3Client"]) -> None:
    """Media are sandboxed and never sniffed."""
    headers = (await edge.http.get(file[0])).headers
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "cross-origin"


async def test_errors_are_not_cached(edge: Edge, s3: S3, file: tuple[str, "S3Client"]) -> None:
    """A file that was requested too early is found as soon as it is stored."""
    path, client = file
    early = path.replace(".avif", ".webp")
    assert (await edge.http.get(early)).status_code == 404
    await client.put_object(Bucket=s3.bucket, Key=early[1:], Body=b"now", ContentType="image/webp")
    assert (await edge.http.get(early)).content == b"now"


async def test_plain_image_urls_redirect_to_a_rendition(edge: Edge, backend: Backend) -> None:
    """`GET /m/ID?w=` passes accepted formats to the service and redirects, without a token."""
    response = await edge.http.get("/m/someid?w=640", headers={"accept": "image/avif", "save-data": "on"})
    assert response.status_code == 302
    assert response.headers["location"] == "https://media.example/m/someid/640.avif"
    assert response.headers["cache-control"] == "public, max-age=60"
    seen = backend.last
    assert (seen.method, seen.request.media_id, seen.request.width) == ("PickRendition", "someid", 640)
    assert (seen.metadata["accept"], seen.metadata["save-data"]) == ("image/avif", "on")
    assert refusal(await edge.http.get("/m/someid?width_of=640"))[0] == 400


async def test_a_missing_medium_is_not_redirected(edge: Edge, backend: Backend) -> None:
    """A plain image URL of a missing medium gets 404."""
    backend.failure, backend.failures_left = (grpc.StatusCode.NOT_FOUND, "MEDIA_NOT_FOUND", "no"), 1
    assert refusal(await edge.http.get("/m/someid")) == (404, Code.NOT_FOUND, "MEDIA_NOT_FOUND")
