"""Uploading a file in parts, and resuming an interrupted upload."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import httpx
import stamina
from lensfeed.media.v1.media_pb2 import Media, MediaState
from lensfeed.media.v1.media_service_pb2 import (
    CompletedPart,
    CompleteUploadRequest,
    GetMediaRequest,
    StartUploadRequest,
    StartUploadResponse,
    UnfinishedUpload,
    UploadPart,
)

from lensfeed_client.errors import LensfeedError
from lensfeed_client.uploads.progress import Progress
from lensfeed_client.uploads.source import Source, file_changed
from lensfeed_client.uploads.wait_until_ready import rejected

if TYPE_CHECKING:
    from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceAsyncStub

PARTS_AT_ONCE = 4
"""Enough to fill an internet connection, but few even on a machine with many uploads."""

TRIES = 6

PAUSES_SECONDS = (1.5, 3.0, 6.0)
"""How long to wait before sending parts again that the mesh still misses."""

FORBIDDEN = 403

# The storage, or a proxy in front of it, is busy. A retry may succeed.
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


class PutError(Exception):
    """The storage refused a part."""

    def __init__(self, number: int, status: int) -> None:
        super().__init__(f"the storage answered {status} to part {number}")
        self.status = status


class Upload:
    """One upload of one file."""

    def __init__(
        self,
        media: "MediaServiceAsyncStub",
        http: httpx.AsyncClient,
        source: Source,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._media = media
        self._http = http
        self._source = source
        self._progress = Progress(source.size_bytes, progress)
        self._media_id = ""
        self._part_size = 0
        self._parts: dict[int, UploadPart] = {}
        self._expires_at = datetime.max.replace(tzinfo=UTC)
        self._etags: dict[int, str] = {}
        self._refreshing = asyncio.Lock()

    async def start(self, content_type: str, alt_text: str, started: Callable[[str], None] | None) -> Media:
        """Start an upload, send all parts and return the medium. Raises LensfeedError, OSError."""
        reply = await self._media.StartUpload(
            StartUploadRequest(content_type=content_type, size_bytes=self._source.size_bytes, alt_text=alt_text)
        )
        self._media_id = reply.media_id
        if started is not None:
            started(reply.media_id)
        self._adopt(reply)
        return await self._finish([CompletedPart(number=number) for number in self._parts])

    async def resume(self, media_id: str) -> Media:
        """Send the missing parts of an interrupted upload and return the medium. Raises LensfeedError, OSError."""
        self._media_id = media_id
        media = await self._refresh_urls()
        if media.state != MediaState.MEDIA_STATE_AWAITING_UPLOAD:
            self._progress.begin([])
            return media
        return await self._finish([])

    async def _finish(self, completed: list[CompletedPart]) -> Media:
        """Send all missing parts and complete the upload. Without a list of parts, the mesh uses those in S3."""
        for pause in PAUSES_SECONDS:
            await self._send_all()
            try:
                return await self._complete(completed)
            except LensfeedError as error:
                if error.reason != "PARTS_MISMATCH":
                    raise
            # The last request of a killed process may end after ours and replace our part with half of it. Some storages also
            # mistake the older of two parts for the newer if both arrive within a second.
            await asyncio.sleep(pause)
            await self._refresh_urls()
        await self._send_all()
        return await self._complete(completed)

    async def _complete(self, completed: list[CompletedPart]) -> Media:
        for part in completed:
            part.etag = self._etags.get(part.number, "")
        if not all(part.etag for part in completed):
            completed = []
        reply = await self._media.CompleteUpload(CompleteUploadRequest(media_id=self._media_id, parts=completed))
        return reply.media

    async def _send_all(self) -> None:
        self._progress.begin(part.size_bytes for part in self._parts.values())
        turn = asyncio.Semaphore(PARTS_AT_ONCE)

        async def send(number: int) -> None:
            async with turn:
                await self._send(number)

        try:
            async with asyncio.TaskGroup() as group:
                for number in list(self._parts):
                    group.create_task(send(number))
        except BaseExceptionGroup as failed:
            raise _first_error(failed) from failed

    async def _send(self, number: int) -> None:
        """Send one part, with retries."""
        async for attempt in stamina.retry_context(on=_is_worth_a_retry, attempts=TRIES, timeout=None):
            with attempt:
                if datetime.now(UTC) >= self._expires_at:
                    await self._refresh_urls_once(self._parts.get(number))
                if part := self._parts.get(number):
                    await self._put(part)

    async def _put(self, part: UploadPart) -> None:
        self._progress.restart(part.number)
        # A stated length prevents chunked encoding, which S3 refuses.
        headers = {**part.headers, "Content-Length": str(part.size_bytes)}
        async with aclosing(self._content(part)) as content:
            response = await self._http.put(part.url, content=content, headers=headers)
        if response.status_code == FORBIDDEN:
            await self._refresh_urls_once(part)  # its URL has expired, at least by the storage's clock
        if not response.is_success:
            raise PutError(part.number, response.status_code)
        self._etags[part.number] = response.headers.get("ETag", "")

    async def _content(self, part: UploadPart) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._source.read((part.number - 1) * self._part_size, part.size_bytes)) as chunks:
            async for chunk in chunks:
                yield chunk
                self._progress.add(part.number, len(chunk))

    async def _refresh_urls_once(self, known: UploadPart | None) -> None:
        """Get fresh URLs, unless someone has done so since this part was looked up."""
        async with self._refreshing:
            if known is not None and self._parts.get(known.number) is known:
                await self._refresh_urls()

    async def _refresh_urls(self) -> Media:
        """Get fresh URLs for the missing parts; none once the upload is complete. Raises LensfeedError."""
        reply = await self._media.GetMedia(GetMediaRequest(media_id=self._media_id))
        if reply.media.state == MediaState.MEDIA_STATE_REJECTED:
            raise rejected(reply.media)
        if reply.HasField("upload"):
            if reply.upload.size_bytes != self._source.size_bytes:
                raise file_changed(f"it had {reply.upload.size_bytes:,} bytes and now has {self._source.size_bytes:,}")
            self._adopt(reply.upload)
        elif reply.media.state == MediaState.MEDIA_STATE_AWAITING_UPLOAD:
            raise LensfeedError(
                grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_EXPIRED", "the upload began too long ago; start a new one"
            )
        else:
            self._parts = {}
        return reply.media

    def _adopt(self, plan: StartUploadResponse | UnfinishedUpload) -> None:
        self._part_size = plan.part_size_bytes
        self._parts = {part.number: part for part in plan.parts}
        self._expires_at = plan.expires_at.ToDatetime(tzinfo=UTC)


def _is_worth_a_retry(error: Exception) -> bool:
    if isinstance(error, PutError):
        return error.status == FORBIDDEN or error.status in _BUSY
    return isinstance(error, httpx.TransportError)


def _first_error(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first of several errors, as a LensfeedError where possible."""
    error = failed.exceptions[0]
    if isinstance(error, httpx.TimeoutException):
        return LensfeedError(grpc.StatusCode.DEADLINE_EXCEEDED, "", "the storage did not answer in time")
    if isinstance(error, PutError | httpx.TransportError):
        return LensfeedError(grpc.StatusCode.UNAVAILABLE, "", str(error) or "the storage is unreachable")
    return error
