"""Creates the bucket for media. media_svc defines its rules."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

TRIAL_KEY = "trial"
WRITE_SECONDS = 30.0


@dataclass(frozen=True)
class S3:
    """The address and credentials of an S3."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str = "lensfeed-media"
    region: str = "us-east-1"


def load_botocore() -> None:
    """Import the S3 client ahead of time. It takes half a second, which can overlap with other starts."""
    import aiobotocore.session  # noqa: F401 - fills the import cache


@contextlib.asynccontextmanager
async def s3_client(s3: S3) -> AsyncIterator["S3Client"]:
    """Open a client that does not retry."""
    # Imported here because it is slow; see load_botocore.
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
    """Create the bucket if needed, set its rules and wait until it accepts writes. Repeatable."""
    # Imported here because it is slow; see load_botocore.
    from media_svc.s3.set_up_bucket import set_up_bucket

    async with s3_client(s3) as client:
        names = {bucket["Name"] for bucket in (await client.list_buckets())["Buckets"]}
        if s3.bucket not in names:
            await client.create_bucket(Bucket=s3.bucket)
        await set_up_bucket(client, s3.bucket)
        async with asyncio.timeout(WRITE_SECONDS):
            while not await _takes_bytes(client, s3.bucket):  # noqa: ASYNC110 - S3 has no event for it
                await asyncio.sleep(0.1)


async def _takes_bytes(client: "S3Client", bucket: str) -> bool:
    """Return whether S3 accepts writes, which may be seconds after it first answers."""
    from botocore.exceptions import ClientError

    try:
        await client.put_object(Bucket=bucket, Key=TRIAL_KEY, Body=b"?")
        await client.delete_object(Bucket=bucket, Key=TRIAL_KEY)
    except ClientError as error:
        if int(error.response["ResponseMetadata"]["HTTPStatusCode"]) < 500:  # noqa: PLR2004 - a client error will not go away
            raise
        return False
    return True
