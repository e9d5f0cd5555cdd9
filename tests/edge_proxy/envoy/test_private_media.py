"""Files of private accounts at the edge, from a real S3."""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING

import httpx
import pytest
from google.rpc.code_pb2 import Code

from devmesh.parts.bucket import S3
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, media_from, running_edge, services_at
from tests.s3 import s3_client

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

pytestmark = pytest.mark.slow

PUBLIC = "public, max-age=31536000, immutable, s-maxage=300"
PRIVATE = "private, max-age=3600"
# More than the edge buffers of an answer.
BYTES = token_bytes(2_000_000)
VARYING = {"date", "x-request-id", "x-envoy-upstream-service-time"}


@pytest.fixture
async def store(s3: S3) -> AsyncIterator["S3Client"]:
    """Open S3 as media_svc does."""
    async with s3_client(s3) as client:
        yield client


async def put(client: "S3Client", s3: S3, control: str) -> str:
    """Store a picture with this Cache-Control. Returns its path."""
    name = f"m/{token_hex(8)}/{token_hex(16)}.avif"
    await client.put_object(Bucket=s3.bucket, Key=name, Body=BYTES, ContentType="image/avif", CacheControl=control)
    return f"/{name}"


def shown(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what a stranger sees of an answer."""
    kept = {name: value for name, value in response.headers.items() if name not in VARYING}
    return response.status_code, response.content, kept


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"if-none-match": "*"},
        {"if-match": '"other"'},
        {"range": "bytes=10-19"},
        {"range": "bytes=99999999-", "if-match": "*"},
        {"range": "bytes=99999999-", "if-range": '"a"'},
    ],
)
async def test_a_private_file_looks_like_a_missing_one(
    edge: Edge, s3: S3, store: "S3Client", headers: dict[str, str]
) -> None:
    """A private file's public address answers like one that never existed, without its bytes, size or tag."""
    private, public = await put(store, s3, PRIVATE), await put(store, s3, PUBLIC)
    assert (await edge.http.get(public)).content == BYTES
    for method in ("GET", "HEAD"):
        hidden = await edge.http.request(method, private, headers=headers)
        missing = await edge.http.request(method, private + "x", headers=headers)
        assert shown(hidden) == shown(missing)
        assert hidden.headers["cache-control"] == "no-store"
    assert refusal(await edge.http.get(private, headers=headers)) == (404, Code.NOT_FOUND, "MEDIA_NOT_FOUND")


async def test_a_range_beyond_a_private_file_tells_nothing(
    running_backend: Backend, s3: S3, store: "S3Client", jwks_file: Path, tmp_path: Path
) -> None:
    """Without a cache, a range beyond the end of a private file is answered like one of a missing file."""
    private, public = await put(store, s3, PRIVATE), await put(store, s3, PUBLIC)
    headers = {"range": "bytes=99999999-"}
    async with running_edge(tmp_path, jwks_file, services_at(running_backend.address) | media_from(s3)) as edge:
        for method in ("GET", "HEAD"):
            hidden = await edge.http.request(method, private, headers=headers)
            assert shown(hidden) == shown(await edge.http.request(method, private + "x", headers=headers))
        assert hidden.status_code == 404
        refused = await edge.http.get(public, headers=headers)
        assert refusal(refused) == (416, Code.OUT_OF_RANGE, "RANGE_INVALID")
        assert (await edge.http.get(public, headers={"range": "bytes=10-19"})).content == BYTES[10:20]


async def test_a_file_is_shown_again_once_it_is_public(edge: Edge, s3: S3, store: "S3Client") -> None:
    """No cache keeps the refusal of a private file."""
    path = await put(store, s3, PRIVATE)
    assert (await edge.http.get(path)).status_code == 404
    await store.put_object(Bucket=s3.bucket, Key=path[1:], Body=BYTES, ContentType="image/avif", CacheControl=PUBLIC)
    assert (await edge.http.get(path)).content == BYTES


async def test_a_wrong_key_is_logged_once(
    running_backend: Backend, s3: S3, store: "S3Client", jwks_file: Path, tmp_path: Path
) -> None:
    """When S3 refuses the edge's key, the log says why, once a minute, without the key. A missing file is not logged."""
    path = await put(store, s3, PUBLIC)
    settings = {**services_at(running_backend.address), **media_from(s3), "LENSFEED_EDGE_CONCURRENCY": "1"}
    wrong = settings | {"LENSFEED_EDGE_S3_SECRET_KEY": "wrong"}
    for name, these, logged in (("wrong", wrong, 1), ("right", settings, 0)):
        (tmp_path / name).mkdir()
        async with running_edge(tmp_path / name, jwks_file, these) as edge:
            for each in (path, path, path + "x"):
                found = each == path and not logged
                assert (await edge.http.get(each)).status_code == (200 if found else 404)
            log = edge.log
        # Envoy has written its log when it has ended.
        assert log.read_text().count("S3 refuses the edge's key: SignatureDoesNotMatch") == logged
        assert log.read_text().count("S3 refuses the edge's key") == logged
        assert s3.edge_access_key not in log.read_text()
