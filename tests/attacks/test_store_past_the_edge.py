"""Somebody who knows the address of S3 reads media past the edge, or makes the edge do more than GET renditions.

Before: the bucket was public, and `?response-content-type=text/html` turned a photo into a page of the store's origin.
Now: S3 answers nobody without a key, and the key of the edge reads renditions only.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.exceptions import ClientError

from devmesh.parts.bucket import S3
from tests.edge_proxy.conftest import Edge
from tests.s3 import s3_client

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

pytestmark = pytest.mark.slow

PAGE = b"<script>alert(document.domain)</script>"
QUERIES = (
    "",
    "?response-content-type=text/html",
    "?response-content-type=text%2Fhtml&response-cache-control=max-age%3D1",
    "?acl",
    "?tagging",
    "?versionId=null",
    "?partNumber=1",
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&response-content-type=text/html",
)


@pytest.fixture
async def names(s3: S3) -> list[str]:
    """Store a page in each room of the bucket: a rendition, an original and an upload."""
    medium = token_hex(8)
    names = [f"m/{medium}/a.jpg", f"o/{medium}/etag", f"u/{medium}"]
    async with s3_client(s3) as client:
        for name in names:
            await client.put_object(Bucket=s3.bucket, Key=name, Body=PAGE, ContentType="image/jpeg")
    return names


@pytest.fixture
async def as_edge(s3: S3) -> AsyncIterator["S3Client"]:
    """Open S3 with the edge's key, as somebody who stole it would."""
    async with s3_client(replace(s3, access_key=s3.edge_access_key, secret_key=s3.edge_secret_key)) as client:
        yield client


@pytest.mark.parametrize("query", QUERIES)
async def test_s3_answers_nobody_without_a_key(s3: S3, names: list[str], query: str) -> None:
    """An unsigned read of any object is 403, whatever its query asks for."""
    async with httpx.AsyncClient(base_url=f"{s3.endpoint_url}/{s3.bucket}") as anyone:
        for name in names:
            for method in ("GET", "HEAD"):
                response = await anyone.request(method, f"/{name}{query}")
                assert response.status_code in {400, 403}
                assert query.startswith("?X-Amz") or response.status_code == 403
                assert PAGE not in response.content
        assert (await anyone.get("/", params={"list-type": "2", "prefix": "m/"})).status_code == 403


@pytest.mark.parametrize("query", QUERIES[1:])
async def test_the_edge_signs_no_query(edge: Edge, names: list[str], query: str) -> None:
    """A query on a file is refused, so that the edge signs none that a caller wrote."""
    response = await edge.http.get(f"/{names[0]}{query}")
    assert response.status_code == 404
    assert PAGE not in response.content
    for escaped in ("%3F", "%3f", ";"):
        path = f"/{names[0]}{escaped}response-content-type=text/html"
        assert (await edge.http.get(path)).status_code in {400, 404}


async def test_the_edge_signs_no_header_of_the_caller(edge: Edge, names: list[str]) -> None:
    """Headers for S3 neither break the signature nor become part of it."""
    junk = {
        "authorization": "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y",
        "x-amz-date": "20200101T000000Z",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-security-token": "token",
        "x-seaweedfs-session-token": "token",
        "x-seaweedfs-principal": "arn:aws:iam::000000000000:user/lensfeed",
        "seaweed-owner": "lensfeed",
        "host": "elsewhere.example",
    }
    for extra in ({}, {"if-none-match": '"other"'}, {"if-range": '"other"', "range": "bytes=0-3"}):
        response = await edge.http.get(f"/{names[0]}", headers={**junk, **extra})
        assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
        assert response.content == PAGE


async def test_the_edges_key_reads_renditions_only(s3: S3, as_edge: "S3Client", names: list[str]) -> None:
    """With the edge's key nobody reads an original or an upload, lists, writes or deletes."""
    rendition, *others = names
    assert await (await as_edge.get_object(Bucket=s3.bucket, Key=rendition))["Body"].read() == PAGE
    refused = [
        *(as_edge.get_object(Bucket=s3.bucket, Key=name) for name in others),
        *(as_edge.head_object(Bucket=s3.bucket, Key=name) for name in others),
        as_edge.list_objects_v2(Bucket=s3.bucket, Prefix="m/"),
        as_edge.put_object(Bucket=s3.bucket, Key=rendition, Body=b"planted"),
        as_edge.delete_object(Bucket=s3.bucket, Key=rendition),
        as_edge.copy_object(
            Bucket=s3.bucket,
            Key=rendition,
            CopySource={"Bucket": s3.bucket, "Key": others[0]},
            MetadataDirective="COPY",
        ),
        as_edge.get_bucket_policy(Bucket=s3.bucket),
        as_edge.delete_bucket_policy(Bucket=s3.bucket),
    ]
    for call in refused:
        with pytest.raises(ClientError) as denied:
            await call
        assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_the_edge_tells_nobody_its_key(edge: Edge, s3: S3, names: list[str]) -> None:
    """The key is in no file of the edge, not in its log, and not in what Envoy's administration shows."""
    assert (await edge.http.get(f"/{names[0]}")).status_code == 200
    async with httpx.AsyncClient(base_url=f"http://{edge.admin}") as admin:
        shown = (await admin.get("/config_dump")).text
    assert json.loads(shown)["configs"]
    files = [path for path in edge.log.parent.rglob("*") if path.is_file()]
    assert edge.log in files
    told = [shown, *(path.read_text(errors="replace") for path in files)]
    assert not [text for text in told if s3.edge_secret_key in text or s3.edge_access_key in text]
