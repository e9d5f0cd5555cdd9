"""Media as browsers and CDNs request them: cross-origin and conditional requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
from google.rpc.code_pb2 import Code

from devmesh.parts.bucket import S3
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import ORIGIN, Edge, media_from, running_edge, services_at
from tests.s3 import s3_client

pytestmark = pytest.mark.slow

BYTES = bytes(range(256)) * 8
RANGE = "bytes=10-19"
OLD, FUTURE = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
NO_DATES = ["nonsense", "0", "Mon, 99 Foo 2026 00:00:00 GMT", "2026-11-29T12:00:00Z", "Fri, 01 Jan 2100 25:00:00 GMT"]
SENT, PART = (200, BYTES), (206, BYTES[10:20])


@pytest.fixture(params=["with a cache", "without a cache"])
async def media_edge(
    request: pytest.FixtureRequest, edge: Edge, s3: S3, running_backend: Backend, jwks_file: Path, tmp_path: Path
) -> AsyncIterator[Edge]:
    """Return an edge with and one without a media cache."""
    if request.param == "with a cache":
        yield edge
        return
    settings = {
        **services_at(running_backend.address),
        **media_from(s3),
        "LENSFEED_CORS_ORIGINS": ORIGIN,
    }
    async with running_edge(tmp_path, jwks_file, settings) as own:
        yield own


@pytest.fixture
async def file(s3: S3, media_edge: Edge) -> tuple[str, httpx.Response]:
    """Store a file. Returns its path and a first response, which may be cached."""
    key = f"m/{token_hex(8)}/{token_hex(16)}.avif"
    async with s3_client(s3) as client:
        control = "public, max-age=31536000, immutable, s-maxage=259200"
        await client.put_object(Bucket=s3.bucket, Key=key, Body=BYTES, ContentType="image/avif", CacheControl=control)
    return f"/{key}", await media_edge.http.get(f"/{key}")


async def test_conditional_requests(media_edge: Edge, file: tuple[str, httpx.Response]) -> None:
    """All conditions of RFC 9110 work, invalid dates are ignored, and a 304 has the headers of a 200."""
    path, first = file
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    unchanged = (304, b"")
    expected: list[tuple[dict[str, str], tuple[int, bytes]]] = [
        ({"if-none-match": tag}, unchanged),
        ({"if-none-match": f"W/{tag}"}, unchanged),
        ({"if-none-match": f'"other", W/{tag}'}, unchanged),
        ({"if-none-match": "*"}, unchanged),
        ({"if-none-match": '"other"'}, SENT),
        ({"if-none-match": '"other"', "if-modified-since": FUTURE}, SENT),
        ({"if-none-match": tag, "range": RANGE}, unchanged),
        ({"if-none-match": '"other"', "range": RANGE}, PART),
        ({"if-modified-since": modified}, unchanged),
        ({"if-modified-since": FUTURE}, unchanged),
        ({"if-modified-since": OLD}, SENT),
        ({"if-match": tag}, SENT),
        ({"if-match": "*"}, SENT),
        ({"if-match": tag, "range": RANGE}, PART),
        ({"if-unmodified-since": modified}, SENT),
        *(({"if-modified-since": date}, SENT) for date in NO_DATES),
        *(({"if-unmodified-since": date}, SENT) for date in NO_DATES),
    ]
    for headers, wanted in expected:
        response = await media_edge.http.get(path, headers=headers)
        assert (response.status_code, response.content) == wanted, headers
        for name in ("etag", "cache-control", "cdn-cache-control", "last-modified"):
            assert response.headers[name] == first.headers[name], (headers, name)


async def test_failed_preconditions(media_edge: Edge, file: tuple[str, httpx.Response]) -> None:
    """A wrong If-Match, also a weak one, or an old If-Unmodified-Since gets our 412, which caches do not keep."""
    path, first = file
    for headers in (
        {"if-match": '"other"'},
        {"if-match": f"W/{first.headers['etag']}"},
        {"if-unmodified-since": OLD},
        {"if-match": '"other"', "range": RANGE},
    ):
        response = await media_edge.http.get(path, headers=headers)
        assert refusal(response) == (412, Code.FAILED_PRECONDITION, "PRECONDITION_FAILED")
        assert response.headers["cache-control"] == "no-store"
    head = await media_edge.http.head(path, headers={"if-match": '"other"'})
    assert (head.status_code, head.content) == (412, b"")


async def test_ranges_on_a_condition(media_edge: Edge, file: tuple[str, httpx.Response]) -> None:
    """If-Range gets the range if the tag matches, and otherwise the whole file."""
    path, first = file
    for condition, wanted in (
        (first.headers["etag"], PART),
        ('"other"', SENT),
        (f"W/{first.headers['etag']}", SENT),
        (OLD, SENT),
        ("nonsense", SENT),
    ):
        response = await media_edge.http.get(path, headers={"range": RANGE, "if-range": condition})
        assert (response.status_code, response.content) == wanted, condition
        whole = await media_edge.http.get(path, headers={"if-range": condition})
        assert (whole.status_code, whole.content) == SENT


async def test_conditional_heads(media_edge: Edge, file: tuple[str, httpx.Response]) -> None:
    """Conditions work for HEAD, which never has a body."""
    path, first = file
    for headers, status in (({"if-none-match": first.headers["etag"]}, 304), ({"if-none-match": '"other"'}, 200)):
        response = await media_edge.http.head(path, headers=headers)
        assert (response.status_code, response.content) == (status, b"")
        assert response.headers["cache-control"] == first.headers["cache-control"]


async def test_conditions_on_a_missing_file(media_edge: Edge) -> None:
    """A condition does not change the 404 of a missing file."""
    for headers in ({"if-none-match": '"x"'}, {"if-match": '"x"'}, {"range": RANGE, "if-range": '"x"'}):
        response = await media_edge.http.get(f"/m/{token_hex(8)}/x.jpg", headers=headers)
        assert refusal(response) == (404, Code.NOT_FOUND, "MEDIA_NOT_FOUND")


async def test_every_page_may_read_media(media_edge: Edge, file: tuple[str, httpx.Response]) -> None:
    """Media allow all origins, in the same words for everyone, so that a cache may keep one response."""
    path, first = file
    for headers in ({}, {"origin": ORIGIN}, {"origin": "https://other.example"}, {"range": RANGE}):
        response = await media_edge.http.get(path, headers=headers)
        assert response.headers.get_list("access-control-allow-origin") == ["*"]
        assert "etag" in response.headers["access-control-expose-headers"]
        assert "vary" not in response.headers
    missing = await media_edge.http.get(f"{path}x", headers={"origin": "https://other.example"})
    assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, "*")
    same = await media_edge.http.get(path, headers={"origin": ORIGIN, "if-none-match": first.headers["etag"]})
    assert (same.status_code, same.headers["access-control-allow-origin"]) == (304, "*")


@pytest.mark.parametrize("path", ["/m/someid/file.avif", "/m/someid?w=640"])
@pytest.mark.parametrize("origin", [ORIGIN, "https://other.example"])
async def test_preflights_for_media(edge: Edge, path: str, origin: str) -> None:
    """A preflight from any origin allows ranges, conditions and Save-Data."""
    wanted = {"range", "if-none-match", "if-match", "if-modified-since", "if-range", "save-data"}
    headers = {
        "origin": origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": ",".join(wanted),
    }
    response = await edge.http.options(path, headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] in {"*", origin}
    assert wanted <= set(response.headers["access-control-allow-headers"].split(","))
    assert "GET" in response.headers["access-control-allow-methods"]


@pytest.mark.usefixtures("backend")
async def test_every_page_may_follow_plain_image_urls(edge: Edge) -> None:
    """The redirect of a plain image URL allows all origins, as it may be cached, too."""
    for origin in (ORIGIN, "https://other.example"):
        response = await edge.http.get("/m/someid?w=640", headers={"origin": origin})
        assert response.status_code == 302
        assert response.headers.get_list("access-control-allow-origin") == ["*"]
