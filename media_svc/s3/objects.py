"""Objects in S3."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

import structlog
from aiobotocore.config import AioConfig
from aiohttp import ClientError as HttpError
from botocore.exceptions import BotoCoreError, ClientError

from media_svc.aws_session import open_session
from media_svc.ports import SignedPut, StoredObject, StoredPart
from media_svc.s3.copies import CopyObject
from media_svc.s3.presign import Credentials, Presigner, utc_now
from media_svc.settings import S3Settings
from media_svc.uploads.rules import PART_BYTES, Part
from meshkit.errors import UnavailableError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef, GetObjectOutputTypeDef, RestoreRequestTypeDef

# "Not found" for an object, for a HEAD without a body, and for a multipart upload.
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound", "NoSuchUpload"})
# The parts are wrong or have changed, or the upload is over.
_NOT_ASSEMBLED = _ABSENT | {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}
_CHANGED = _ABSENT | {"PreconditionFailed", "412"}
# media_svc archives nothing, but the bucket's owner may have rules that do.
_ARCHIVED = "InvalidObjectState"
_ORDERED = frozenset({"RestoreAlreadyInProgress"})
_RESTORE: "RestoreRequestTypeDef" = {"Days": 3, "GlacierJobParameters": {"Tier": "Standard"}}
_CHUNK_BYTES = 1024 * 1024
# About a millisecond of work.
_SIGNED_AT_ONCE = 64
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def open_objects(settings: S3Settings) -> AsyncIterator["S3Objects"]:
    """Open the bucket. Nothing connects before the first call."""
    keys = settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value()
    async with _client(settings, settings.s3_endpoint_url) as client:
        base_url = settings.s3_public_url or settings.s3_endpoint_url or client.meta.endpoint_url
        presigner = Presigner(base_url, settings.s3_bucket, Credentials(*keys, settings.s3_region))
        yield S3Objects(client, presigner, settings.s3_bucket)


class S3Objects:
    """One bucket. `presigner` uses the S3 URL that apps can reach."""

    def __init__(self, client: "S3Client", presigner: Presigner, bucket: str) -> None:
        self._client = client
        self._presigner = presigner
        self._bucket = bucket
        self._copy = CopyObject(client, bucket)

    async def sign_put(self, key: str, content_type: str, size_bytes: int, seconds: int) -> SignedPut:
        """Sign a PUT of a whole object."""
        # Without a signed length, any length would be accepted.
        headers = {"content-length": str(size_bytes), "content-type": content_type}
        return SignedPut(self._presigner.sign_put(key, headers, seconds, utc_now()), {"Content-Type": content_type})

    async def sign_parts(self, key: str, upload_id: str, parts: Sequence[Part], seconds: int) -> Sequence[SignedPut]:
        """Sign a PUT of each part. Lets other work run in between."""
        now, puts = utc_now(), []
        for part in parts:
            query = {"partNumber": str(part.number), "uploadId": upload_id}
            headers = {"content-length": str(part.size_bytes)}
            puts.append(SignedPut(self._presigner.sign_put(key, headers, seconds, now, query)))
            if len(puts) % _SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return puts

    async def start_multipart(self, key: str, content_type: str) -> str:
        """Start a multipart upload."""
        with _s3_errors():
            started = await self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return started["UploadId"]

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart] | None:
        """Return the stored parts."""
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
        with _s3_errors(expected=_ABSENT):
            entries = [part async for page in pages for part in page.get("Parts", ())]
            # SeaweedFS lists every PUT of a part, even aborted ones. The last one counts.
            entries.sort(key=lambda each: (each["LastModified"], each["Size"]))
            newest = {each["PartNumber"]: each for each in entries}
            return [
                StoredPart(number, each["ETag"].strip('"'), each["Size"]) for number, each in sorted(newest.items())
            ]
        return None

    async def complete_multipart(self, key: str, upload_id: str, parts: Sequence[StoredPart]) -> None:
        """Join the parts to one object, if that is (still) possible."""
        # botocore also raises if S3 reports a failure in the body of a 200.
        with _s3_errors(expected=_NOT_ASSEMBLED):
            await self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": each.number, "ETag": f'"{each.etag}"'} for each in parts]},
            )

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Delete an upload and its parts."""
        with _s3_errors(expected=_ABSENT):
            await self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    async def head(self, key: str) -> StoredObject | None:
        """Return an object's ETag and size."""
        with _s3_errors(expected=_ABSENT):
            answer = await self._client.head_object(Bucket=self._bucket, Key=key)
            return StoredObject(answer["ETag"].strip('"'), answer["ContentLength"])
        return None

    async def copy(self, source: str, target: str, etag: str, size_bytes: int) -> bool:
        """Copy an object if it still has this ETag."""
        with _s3_errors(expected=_CHANGED):
            await self._copy(source, target, etag, size_bytes)
            return True
        return False

    async def download(self, key: str, path: Path) -> bool:
        """Write an object to a file, or request it from its archive."""
        with _s3_errors(expected=_ABSENT):
            answer = await self._get(key)
            async with answer["Body"] as body:
                with path.open("xb") as file:
                    async for chunk in body.iter_chunks(_CHUNK_BYTES):
                        file.write(chunk)
            return True
        return False

    async def _get(self, key: str) -> "GetObjectOutputTypeDef":
        """Start reading an object. An archived one is requested, and available at a later call."""
        try:
            return await self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] != _ARCHIVED:
                raise
        with _s3_errors(expected=_ORDERED):
            await self._client.restore_object(Bucket=self._bucket, Key=key, RestoreRequest=_RESTORE)
        _log.info("object_requested_from_archive", key=key)
        raise UnavailableError

    async def put(self, key: str, content: bytes, content_type: str, cache_control: str) -> None:
        """Store an object."""
        with _s3_errors():
            await self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type, CacheControl=cache_control
            )

    async def put_file(self, key: str, path: Path, content_type: str, cache_control: str) -> None:
        """Store a file, a large one in parts."""
        with path.open("rb") as file:
            first = file.read(PART_BYTES)
            if len(first) < PART_BYTES:
                await self.put(key, first, content_type, cache_control)
                return
            with _s3_errors():
                started = await self._client.create_multipart_upload(
                    Bucket=self._bucket, Key=key, ContentType=content_type, CacheControl=cache_control
                )
                await self._put_parts(key, started["UploadId"], chain((first,), _chunks(file)))

    async def _put_parts(self, key: str, upload_id: str, contents: Iterable[bytes]) -> None:
        """Send the parts of a multipart upload and join them. A failure leaves no parts."""
        try:
            parts = [
                await self._put_part(key, upload_id, number, content) for number, content in enumerate(contents, 1)
            ]
            await self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            with contextlib.suppress(UnavailableError):
                await self.abort_multipart(key, upload_id)
            raise

    async def _put_part(self, key: str, upload_id: str, number: int, content: bytes) -> "CompletedPartTypeDef":
        sent = await self._client.upload_part(
            Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=content
        )
        return {"PartNumber": number, "ETag": sent["ETag"]}

    async def list_keys(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, ascending."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with _s3_errors(expected=_ABSENT):
            return [each["Key"] async for page in pages for each in page.get("Contents", ())]
        return []

    async def recache(self, key: str, cache_control: str) -> bool:
        """Change how long caches keep an immutable object. Returns whether it changed."""
        with _s3_errors(expected=_CHANGED):
            found = await self._client.head_object(Bucket=self._bucket, Key=key)
            if "immutable" not in found.get("CacheControl", "") or found["CacheControl"] == cache_control:
                return False
            await self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": key},
                CopySourceIfMatch=found["ETag"],
                MetadataDirective="REPLACE",
                ContentType=found["ContentType"],
                CacheControl=cache_control,
            )
            return True
        return False

    async def delete(self, key: str) -> None:
        """Delete an object."""
        with _s3_errors(expected=_ABSENT):
            await self._client.delete_object(Bucket=self._bucket, Key=key)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(PART_BYTES):
        yield chunk


class _s3_errors:  # noqa: N801 - read as a statement, like contextlib's own
    """Ignores the expected error codes, and turns all other S3 errors into UnavailableError."""

    def __init__(self, expected: frozenset[str] = frozenset()) -> None:
        self._expected = expected

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, ClientError):
            if error.response["Error"]["Code"] in self._expected:
                return True
            _log.warning("s3_refused", error=str(error))
            raise UnavailableError from error
        if isinstance(error, BotoCoreError | HttpError):
            raise UnavailableError from error
        return False


def _client(settings: S3Settings, endpoint_url: str | None) -> "AbstractAsyncContextManager[S3Client]":
    return open_session().create_client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=endpoint_url,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        config=_CONFIG,
    )


_CONFIG = AioConfig(
    signature_version="s3v4",
    # A bucket in the host name needs DNS that a self-hosted server rarely has.
    s3={"addressing_style": "path"},
    connect_timeout=3,
    read_timeout=15,
    retries={"max_attempts": 3, "mode": "standard"},
    max_pool_connections=64,
    # Other checksums would have to be known when a URL is signed.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
