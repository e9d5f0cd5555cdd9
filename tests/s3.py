"""A client of S3 for tests, which read and write objects beside what they test."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from devmesh.parts.bucket import S3

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


@contextlib.asynccontextmanager
async def s3_client(s3: S3) -> AsyncIterator["S3Client"]:
    """Make a client with its key. It tries everything once."""
    async with get_session().create_client(
        "s3",
        region_name=s3.region,
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=AioConfig(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1, "mode": "standard"}),
    ) as client:
        yield client
