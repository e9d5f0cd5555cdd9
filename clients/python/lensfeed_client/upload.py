"""Sending a file, part by part and from where it stopped."""

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
from lensfeed_client.progress import Progress
from lensfeed_client.sources import Source, file_changed
from lensfeed_client.wait_until_ready import rejected

if TYPE_CHECKING:
    from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceAsyncStub

PARTS_AT_ONCE = 4
"""Enough to fill a connection to the internet; a machine with many uploads at a time still has few of each."""

TRIES = 6

PAUSES_SECONDS = (1.5, 3.0, 6.0)
"""How long to wait before what is missing is sent again, where the mesh finds something missing after all."""

FORBIDDEN = 403

# The storage has no time, or a proxy before it: what is sent again may pass.
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
        self._asking = asyncio.Lock()

    async def start(self, content_type: str, alt_text: str, started: Callable[[str], None] | None) -> Media:
        """Begin, and send everything; the medium. Raises LensfeedError, OSError."""
        reply = await self._media.StartUpload(
            StartUploadRequest(content_type=content_type, size_bytes=self._source.size_bytes, alt_text=alt_text)
        )
        self._media_id = reply.media_id
        if started is not None:
            started(reply.media_id)
        self._take(reply)
        return await self._finish([CompletedPart(number=number) for number in self._parts])

    async def go_on(self, media_id: str) -> Media:
        """Send what is missing of an upload that was begun; the medium. Raises LensfeedError, OSError."""
        self._media_id = media_id
        media = await self._ask()
        if media.state != MediaState.MEDIA_STATE_AWAITING_UPLOAD:
            self._progress.begin([])
            return media
        return await self._finish([])

    async def _finish(self, completed: list[CompletedPart]) -> Media:
        """Send all parts that are missing, and say so. Without a list of parts, those that S3 has are taken."""
        for pause in PAUSES_SECONDS:
            await self._send_all()
            try:
                return await self._complete(completed)
            except LensfeedError as error:
                if error.reason != "PARTS_MISMATCH":
                    raise
            # The last request of a process that was killed may end after ours, and put half of a part in its place. Of two
            # in one second some storages take the wrong one for the newer.
            await asyncio.sleep(pause)
            await self._ask()
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
            raise _plain(failed) from failed

    async def _send(self, number: int) -> None:
        """Send one part until the storage has it."""
        async for attempt in stamina.retry_context(on=_worth_another_try, attempts=TRIES, timeout=None):
            with attempt:
                if datetime.now(UTC) >= self._expires_at:
                    await self._ask_once(self._parts.get(number))
                if part := self._parts.get(number):
                    await self._put(part)

    async def _put(self, part: UploadPart) -> None:
        self._progress.restart(part.number)
        # With a stated length nothing is chunked, which S3 would refuse.
        headers = {**part.headers, "Content-Length": str(part.size_bytes)}
        async with aclosing(self._content(part)) as content:
            response = await self._http.put(part.url, content=content, headers=headers)
        if response.status_code == FORBIDDEN:
            await self._ask_once(part)  # its URL has expired, by the storage's clock at least
        if not response.is_success:
            raise PutError(part.number, response.status_code)
        self._etags[part.number] = response.headers.get("ETag", "")

    async def _content(self, part: UploadPart) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._source.read((part.number - 1) * self._part_size, part.size_bytes)) as chunks:
            async for chunk in chunks:
                yield chunk
                self._progress.add(part.number, len(chunk))

    async def _ask_once(self, known: UploadPart | None) -> None:
        """Get fresh URLs, unless somebody has since this part was looked up."""
        async with self._asking:
            if known is not None and self._parts.get(known.number) is known:
                await self._ask()

    async def _ask(self) -> Media:
        """Get fresh URLs for what is missing; nothing is once the upload is finished. Raises LensfeedError."""
        reply = await self._media.GetMedia(GetMediaRequest(media_id=self._media_id))
        if reply.media.state == MediaState.MEDIA_STATE_REJECTED:
            raise rejected(reply.media)
        if reply.HasField("upload"):
            if reply.upload.size_bytes != self._source.size_bytes:
                raise file_changed(f"it had {reply.upload.size_bytes:,} bytes and has {self._source.size_bytes:,}")
            self._take(reply.upload)
        elif reply.media.state == MediaState.MEDIA_STATE_AWAITING_UPLOAD:
            raise LensfeedError(
                grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_EXPIRED", "the upload was begun too long ago; begin anew"
            )
        else:
            self._parts = {}
        return reply.media

    def _take(self, plan: StartUploadResponse | UnfinishedUpload) -> None:
        self._part_size = plan.part_size_bytes
        self._parts = {part.number: part for part in plan.parts}
        self._expires_at = plan.expires_at.ToDatetime(tzinfo=UTC)


def _worth_another_try(error: Exception) -> bool:
    if isinstance(error, PutError):
        return error.status == FORBIDDEN or error.status in _BUSY
    return isinstance(error, httpx.TransportError)


def _plain(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first of several errors as one of ours."""
    error = failed.exceptions[0]
    if isinstance(error, httpx.TimeoutException):
        return LensfeedError(grpc.StatusCode.DEADLINE_EXCEEDED, "", "the storage did not answer in time")
    if isinstance(error, PutError | httpx.TransportError):
        return LensfeedError(grpc.StatusCode.UNAVAILABLE, "", str(error) or "the storage cannot be reached")
    return error
