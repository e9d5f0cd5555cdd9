"""Finish a complete upload. The client's call, S3's event and the sweeper all use this; the first wins."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from media_svc.check_schedule import LAST_AGE, MINUTE_MS
from media_svc.errors import PartsMismatchError, UploadExpiredError
from media_svc.model import FailureReason, Media, MediaState
from media_svc.ports import Events, Objects, StoredObject, StoredPart
from media_svc.store.port import MediaStore
from media_svc.uploads.rules import plan_parts
from meshkit.errors import FailedPreconditionError, UnavailableError

# Longer than S3 takes to join parts. Only clients with wrong parts wait for it.
SECOND_LOOK_SECONDS = 0.5
_log = structlog.get_logger()


class FinishUpload:
    """Moves a medium from AWAITING_UPLOAD to PROCESSING, once, after S3 confirms its bytes."""

    def __init__(self, store: MediaStore, objects: Objects, events: Events) -> None:
        self._store = store
        self._objects = objects
        self._events = events

    async def __call__(self, media: Media, now_ms: int, claimed: Mapping[int, str] | None = None) -> Media:
        """Return the medium in its current state. `claimed` maps part numbers to the client's ETags, if given.

        Raises PartsMismatchError if bytes are missing or different, UploadExpiredError if they can no longer arrive.
        """
        if media.state is MediaState.AWAITING_UPLOAD:
            try:
                media = await self._finish_with_retry(media, now_ms, claimed or {})
            except FailedPreconditionError as error:
                media = await self._check_conflict(media, now_ms, error)
        if media.failure and media.failure.reason is FailureReason.UPLOAD_EXPIRED:
            raise UploadExpiredError
        return media

    async def _finish_with_retry(self, media: Media, now_ms: int, claimed: Mapping[int, str]) -> Media:
        """Try twice: while another process joins the parts, S3 shows neither them nor the object."""
        try:
            return await self._finish(media, now_ms, claimed)
        except FailedPreconditionError:
            if not media.upload_id:
                raise
        await asyncio.sleep(SECOND_LOOK_SECONDS)
        return await self._finish(media, now_ms, claimed)

    async def _finish(self, media: Media, now_ms: int, claimed: Mapping[int, str]) -> Media:
        if media.upload_id:
            await self._assemble(media, claimed)
        stored = await self._objects.head(media.upload_key)
        _check_object(media, stored, {} if media.upload_id else claimed)
        changed = media.uploaded(stored.etag, now_ms) if stored else media
        # A valid URL allows another PUT, so the checked bytes move to a key without URLs.
        if not await self._objects.copy(media.upload_key, changed.original_key, changed.etag, media.size_bytes):
            raise PartsMismatchError("the bytes were replaced during the check")
        return await self._commit(media, changed)

    async def _assemble(self, media: Media, claimed: Mapping[int, str]) -> None:
        """Join the parts to one object. A missing upload was already joined by someone else, or has expired."""
        stored = await self._objects.list_parts(media.upload_key, media.upload_id)
        if stored is not None:
            _check_parts(media, stored, claimed)
            await self._objects.complete_multipart(media.upload_key, media.upload_id, stored)
        elif await self._objects.head(media.upload_key) is None:
            raise UploadExpiredError

    async def _commit(self, media: Media, changed: Media) -> Media:
        record = self._events.uploaded(changed)
        if not await self._store.replace_media(media, changed, [record]):
            return (await self._store.get_media([media.media_id]))[0]
        self._events.send_soon(record)
        try:
            await self._objects.delete(media.upload_key)
        except UnavailableError:
            _log.warning("upload_not_deleted", media_id=str(media.media_id))  # the sweeper will do it
        return changed

    async def _check_conflict(self, media: Media, now_ms: int, error: FailedPreconditionError) -> Media:
        """Return the medium if another process was faster and moved the bytes; otherwise raise the error."""
        media = (await self._store.get_media([media.media_id]))[0]
        if media.state is not MediaState.AWAITING_UPLOAD:
            return media
        if now_ms - media.created_ms >= LAST_AGE * MINUTE_MS:
            raise UploadExpiredError from error
        raise error


def _check_parts(media: Media, stored: Sequence[StoredPart], claimed: Mapping[int, str]) -> None:
    """Raise PartsMismatchError unless exactly the expected parts are stored, as the client claims."""
    expected = {part.number: part.size_bytes for part in plan_parts(media.size_bytes)}
    found = {part.number: part.size_bytes for part in stored}
    wrong = sorted(number for number in expected.keys() | found.keys() if expected.get(number) != found.get(number))
    if wrong:
        raise PartsMismatchError(f"missing or of another size: part {', '.join(map(str, wrong))}")
    _check_claimed({part.number: part.etag for part in stored}, claimed)


def _check_object(media: Media, stored: StoredObject | None, claimed: Mapping[int, str]) -> None:
    if stored is None:
        raise PartsMismatchError("the bytes have not been uploaded")
    if stored.size_bytes != media.size_bytes:
        raise PartsMismatchError(f"{media.size_bytes} bytes were declared, {stored.size_bytes} were uploaded")
    _check_claimed({1: stored.etag}, claimed)


def _check_claimed(found: Mapping[int, str], claimed: Mapping[int, str]) -> None:
    """Raise PartsMismatchError if the client claims other parts than are stored. Claiming none accepts all."""
    if claimed and dict(claimed) != dict(found):
        wrong = sorted(number for number in found.keys() | claimed.keys() if found.get(number) != claimed.get(number))
        raise PartsMismatchError(f"not named or with a wrong ETag: part {', '.join(map(str, wrong))}")
