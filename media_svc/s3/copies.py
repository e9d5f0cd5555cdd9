"""Copy objects inside S3: usually in one call, large films in several parts at a time.

S3 answers when everything is copied, at some hundred MB per second. A single call for gigabytes would exceed every timeout.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from media_svc.ports import StoredPart

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# Larger objects are copied in parts of this size. S3 allows 10,000 parts of 5 MB to 5 GB.
PART_BYTES = 256 * 1024 * 1024
PARTS_AT_ONCE = 4


class CopyObject:
    """Copies objects within one bucket. Raises the client's exceptions."""

    def __init__(self, client: "S3Client", bucket: str, part_bytes: int = PART_BYTES) -> None:
        self._client = client
        self._bucket = bucket
        self._part_bytes = part_bytes

    async def __call__(self, source: str, target: str, etag: str, size_bytes: int) -> None:
        """Copy an object if it still has this ETag."""
        if size_bytes > self._part_bytes:
            await self._in_parts(source, target, etag, size_bytes)
            return
        await self._client.copy_object(
            Bucket=self._bucket,
            Key=target,
            CopySource={"Bucket": self._bucket, "Key": source},
            CopySourceIfMatch=f'"{etag}"',
        )

    async def _in_parts(self, source: str, target: str, etag: str, size_bytes: int) -> None:
        head = await self._client.head_object(Bucket=self._bucket, Key=source)
        started = await self._client.create_multipart_upload(
            Bucket=self._bucket, Key=target, ContentType=head["ContentType"]
        )
        upload_id = started["UploadId"]
        turn = asyncio.Semaphore(PARTS_AT_ONCE)

        async def copy_part(number: int, first: int) -> StoredPart:
            last = min(first + self._part_bytes, size_bytes) - 1
            async with turn:
                answer = await self._client.upload_part_copy(
                    Bucket=self._bucket,
                    Key=target,
                    UploadId=upload_id,
                    PartNumber=number,
                    CopySource={"Bucket": self._bucket, "Key": source},
                    CopySourceIfMatch=f'"{etag}"',
                    CopySourceRange=f"bytes={first}-{last}",
                )
            return StoredPart(number, answer["CopyPartResult"]["ETag"], last - first + 1)

        starts = range(0, size_bytes, self._part_bytes)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(copy_part(number, first)) for number, first in enumerate(starts, 1)]
            parts = [task.result() for task in tasks]
            await self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=target,
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]},
            )
        except BaseException as error:
            with contextlib.suppress(Exception):
                await self._client.abort_multipart_upload(Bucket=self._bucket, Key=target, UploadId=upload_id)
            if isinstance(error, ExceptionGroup):
                raise error.exceptions[0] from None
            raise
