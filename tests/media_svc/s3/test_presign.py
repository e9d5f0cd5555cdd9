"""Tests of presigned URLs: the same as botocore's, in far less time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from pydantic import SecretStr

from media_svc.s3.objects import open_objects
from media_svc.s3.presign import Credentials, Presigner
from media_svc.settings import S3Settings
from media_svc.uploads.rules import MAX_VIDEO_BYTES, plan_parts

pytestmark = pytest.mark.slow

_KEYS = Credentials("AKIA/+EXAMPLE", "secret/+=key", "eu-central-1")
_UPLOAD_ID = "2~a/b+c=d e.ü"


@asynccontextmanager
async def _botocore(url: str | None) -> AsyncIterator[Any]:
    async with get_session().create_client(
        "s3",
        region_name=_KEYS.region,
        endpoint_url=url,
        aws_access_key_id=_KEYS.access_key,
        aws_secret_access_key=_KEYS.secret_key,
        config=AioConfig(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    ) as client:
        yield client


def _parts_of(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its query, and the query: the order in it has no meaning."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query, strict_parsing=True))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "http://127.0.0.1:8333",
        "https://s3.example.org",
        "https://s3.example.org:443",
        "http://s3.example.org:80/",
        "https://example.org:9000/under/path",
    ],
)
@pytest.mark.parametrize("key", ["u/avipacmneqxc2bkq6adzrxhqda", "u/ä b+c~d(e)"])
async def test_same_as_botocore(url: str | None, key: str) -> None:
    """URLs of whole objects and of parts are those that botocore signs at the same moment."""
    async with _botocore(url) as client:
        base_url = url or client.meta.endpoint_url
        put = {"Bucket": "media", "Key": key, "ContentType": "image/png", "ContentLength": 5}
        part = {"Bucket": "media", "Key": key, "UploadId": _UPLOAD_ID, "PartNumber": 477, "ContentLength": 123}
        theirs = [
            _parts_of(await client.generate_presigned_url("put_object", Params=put, ExpiresIn=900)),
            _parts_of(await client.generate_presigned_url("upload_part", Params=part, ExpiresIn=60)),
        ]
    presigner = Presigner(base_url, "media", _KEYS)
    put_time, part_time = (
        datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for _, query in theirs
    )
    headers = {"content-type": "image/png", "content-length": "5"}
    query = {"uploadId": _UPLOAD_ID, "partNumber": "477"}
    assert _parts_of(presigner.sign_put(key, headers, 900, put_time)) == theirs[0]
    assert _parts_of(presigner.sign_put(key, {"content-length": "123"}, 60, part_time, query)) == theirs[1]


async def test_next_day() -> None:
    """The key that is derived once is that of the day."""
    presigner = Presigner("http://s3", "media", _KEYS)
    days = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (29, 30, 29)]
    first, second, again = (presigner.sign_put("u/a", {}, 60, day) for day in days)
    assert first == again != second
    assert second == Presigner("http://s3", "media", _KEYS).sign_put("u/a", {}, 60, days[1])


async def test_largest_upload() -> None:
    """All parts of the largest video are signed within 50 ms of processor time, and other work runs meanwhile."""
    settings = S3Settings(
        s3_access_key=SecretStr("a"), s3_secret_key=SecretStr("b"), s3_endpoint_url="http://127.0.0.1:1"
    )
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with open_objects(settings) as objects:
        other = asyncio.create_task(take_turns())
        parts = plan_parts(MAX_VIDEO_BYTES)
        began = time.process_time()
        puts = await objects.sign_parts("u/avipacmneqxc2bkq6adzrxhqda", "upload", parts, 900)
        seconds = time.process_time() - began
        other.cancel()
    assert len({put.url for put in puts}) == len(parts) == 477
    assert seconds < 0.05
    assert turns > 5
