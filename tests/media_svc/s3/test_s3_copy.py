"""Tests of copying originals on the real S3, in one call and in parts."""

import secrets

import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from devmesh.parts.bucket import S3
from media_svc.s3.copies import CopyObject
from media_svc.settings import S3Settings
from tests.s3 import s3_client

pytestmark = pytest.mark.slow

PART = 5 * 1024 * 1024
CONTENT = secrets.token_bytes(2 * PART + 17)


def settings_of(s3: S3) -> S3Settings:
    """Return the settings of a bucket."""
    return S3Settings(
        s3_endpoint_url=s3.endpoint_url,
        s3_bucket=s3.bucket,
        s3_access_key=SecretStr(s3.access_key),
        s3_secret_key=SecretStr(s3.secret_key),
    )


@pytest.mark.parametrize("part_bytes", [PART, len(CONTENT)], ids=["in parts", "in one call"])
async def test_a_copy_is_the_same_bytes_of_the_same_type(s3: S3, part_bytes: int) -> None:
    """A copy has the same bytes and type, at any size."""
    source, target = f"u/{secrets.token_hex(8)}", f"o/{secrets.token_hex(8)}"
    async with s3_client(s3) as client:
        put = await client.put_object(Bucket=s3.bucket, Key=source, Body=CONTENT, ContentType="video/mp4")
        await CopyObject(client, s3.bucket, part_bytes)(source, target, put["ETag"].strip('"'), len(CONTENT))
        copied = await client.get_object(Bucket=s3.bucket, Key=target)
        async with copied["Body"] as body:
            assert await body.read() == CONTENT
        assert copied["ContentType"] == "video/mp4"


@pytest.mark.parametrize("part_bytes", [PART, len(CONTENT)], ids=["in parts", "in one call"])
async def test_replaced_object_is_not_copied(s3: S3, part_bytes: int) -> None:
    """An object with another ETag is not copied, and no parts are left."""
    source, target = f"u/{secrets.token_hex(8)}", f"o/{secrets.token_hex(8)}"
    async with s3_client(s3) as client:
        first = await client.put_object(Bucket=s3.bucket, Key=source, Body=CONTENT)
        await client.put_object(Bucket=s3.bucket, Key=source, Body=CONTENT[::-1])
        with pytest.raises(ClientError, match="PreconditionFailed"):
            await CopyObject(client, s3.bucket, part_bytes)(source, target, first["ETag"].strip('"'), len(CONTENT))
        with pytest.raises(ClientError, match="404"):
            await client.head_object(Bucket=s3.bucket, Key=target)
        uploads = await client.list_multipart_uploads(Bucket=s3.bucket, Prefix=target)
        assert not uploads.get("Uploads")
