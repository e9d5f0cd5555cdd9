"""The bucket for media: who may read it, and from where a browser may write to it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef

PUBLIC_PREFIX = "m/"
"""What lies under it anyone may GET: the renditions. The originals are private."""

TRIAL_KEY = "trial"
WRITE_SECONDS = 30.0

UPLOAD_RULE: "CORSRuleTypeDef" = {
    "AllowedMethods": ["GET", "HEAD", "PUT"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600,
}
"""Presigned URLs work from any page: the signature is the permission, and a part's ETag is needed to complete."""


@dataclass(frozen=True)
class S3:
    """An S3 and how to get in."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str = "lensfeed-media"
    region: str = "us-east-1"


def load_botocore() -> None:
    """Import what a client needs: half a second that can pass while S3 starts, and that `lensfeed --help` need not pay."""
    import aiobotocore.session  # noqa: F401 - it is there afterwards


@contextlib.asynccontextmanager
async def s3_client(s3: S3) -> AsyncIterator["S3Client"]:
    """Make a client with its key. It tries everything once."""
    # Here and not on top for the reason that load_botocore tells.
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    async with get_session().create_client(
        "s3",
        region_name=s3.region,
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=AioConfig(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1, "mode": "standard"}),
    ) as client:
        yield client


async def prepare_bucket(s3: S3) -> None:
    """Make the bucket unless it is there, set its policy and CORS rules, see that it takes bytes. Repeatable."""
    async with s3_client(s3) as client:
        names = {bucket["Name"] for bucket in (await client.list_buckets())["Buckets"]}
        if s3.bucket not in names:
            await client.create_bucket(Bucket=s3.bucket)
        await client.put_bucket_policy(Bucket=s3.bucket, Policy=json.dumps(public_read_policy(s3.bucket)))
        await client.put_bucket_cors(Bucket=s3.bucket, CORSConfiguration={"CORSRules": [UPLOAD_RULE]})
        async with asyncio.timeout(WRITE_SECONDS):
            while not await _takes_bytes(client, s3.bucket):  # noqa: ASYNC110 - S3 has no event for it
                await asyncio.sleep(0.1)


async def _takes_bytes(client: "S3Client", bucket: str) -> bool:
    """Whether an object can be written: S3 answers up to some seconds before there is a place for bytes."""
    from botocore.exceptions import ClientError

    try:
        await client.put_object(Bucket=bucket, Key=TRIAL_KEY, Body=b"?")
        await client.delete_object(Bucket=bucket, Key=TRIAL_KEY)
    except ClientError as error:
        if int(error.response["ResponseMetadata"]["HTTPStatusCode"]) < 500:  # noqa: PLR2004 - a refusal is no delay
            raise
        return False
    return True


def public_read_policy(bucket: str) -> dict[str, object]:
    """Anyone may GET what lies under the public prefix, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/{PUBLIC_PREFIX}*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
