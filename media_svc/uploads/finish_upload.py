"""Finish an upload whose bytes are all there. The client's call, S3's event and the sweeper all come here; the first wins."""

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

# Longer than S3 takes to put parts together; only somebody whose parts are wrong waits for it.
SECOND_LOOK_SECONDS = 0.5
_log = structlog.get_logger()


class FinishUpload:
    """Moves a medium from AWAITING_UPLOAD to PROCESSING, once, after S3 itself has said that the bytes are there."""

    def __init__(self, store: MediaStore, objects: Objects, events: Events) -> None:
        self._store = store
        self._objects = objects
        self._events = events

    async def __call__(self, media: Media, now_ms: int, claimed: Mapping[int, str] | None = None) -> Media:
        """Return the medium as far as it is. `claimed` are the ETags of its parts by number, where a client named them.

        Raises PartsMismatchError where the bytes are not (all) there or other ones, UploadExpiredError where they will
        never be.
        """
        if media.state is MediaState.AWAITING_UPLOAD:
            try:
                media = await self._finish_patiently(media, now_ms, claimed or {})
            except FailedPreconditionError as error:
                media = await self._moved_on(media, now_ms, error)
        if media.failure and media.failure.reason is FailureReason.UPLOAD_EXPIRED:
            raise UploadExpiredError
        return media

    async def _finish_patiently(self, media: Media, now_ms: int, claimed: Mapping[int, str]) -> Media:
        """Look twice: while somebody else puts the parts together, S3 shows neither them nor the object."""
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
        # Whoever still has a valid URL may PUT again: what was checked goes where no URL reaches.
        if not await self._objects.copy(media.upload_key, changed.original_key, changed.etag, media.size_bytes):
            raise PartsMismatchError("the bytes were replaced while they were checked")
        return await self._win(media, changed)

    async def _assemble(self, media: Media, claimed: Mapping[int, str]) -> None:
        """Make one object of the parts. No such upload means that this was done, by somebody else, or never will be."""
        stored = await self._objects.list_parts(media.upload_key, media.upload_id)
        if stored is not None:
            _check_parts(media, stored, claimed)
            await self._objects.complete_multipart(media.upload_key, media.upload_id, stored)
        elif await self._objects.head(media.upload_key) is None:
            raise UploadExpiredError

    async def _win(self, media: Media, changed: Media) -> Media:
        record = self._events.uploaded(changed)
        if not await self._store.replace_media(media, changed, [record]):
            return (await self._store.get_media([media.media_id]))[0]
        self._events.send_soon(record)
        try:
            await self._objects.delete(media.upload_key)
        except UnavailableError:
            _log.warning("upload_not_dropped", media_id=str(media.media_id))  # the sweeper will
        return changed

    async def _moved_on(self, media: Media, now_ms: int, error: FailedPreconditionError) -> Media:
        """Look whether somebody else was faster, and took the bytes away; otherwise the error stands."""
        media = (await self._store.get_media([media.media_id]))[0]
        if media.state is not MediaState.AWAITING_UPLOAD:
            return media
        if now_ms - media.created_ms >= LAST_AGE * MINUTE_MS:
            raise UploadExpiredError from error
        raise error


def _check_parts(media: Media, stored: Sequence[StoredPart], claimed: Mapping[int, str]) -> None:
    """Raise PartsMismatchError unless all parts are there, in their sizes, and those that the client has sent."""
    expected = {part.number: part.size_bytes for part in plan_parts(media.size_bytes)}
    found = {part.number: part.size_bytes for part in stored}
    wrong = sorted(number for number in expected.keys() | found.keys() if expected.get(number) != found.get(number))
    if wrong:
        raise PartsMismatchError(f"missing, or of another size: part {', '.join(map(str, wrong))}")
    _check_claimed({part.number: part.etag for part in stored}, claimed)


def _check_object(media: Media, stored: StoredObject | None, claimed: Mapping[int, str]) -> None:
    if stored is None:
        raise PartsMismatchError("the bytes are not there")
    if stored.size_bytes != media.size_bytes:
        raise PartsMismatchError(f"{media.size_bytes} bytes were announced, {stored.size_bytes} are there")
    _check_claimed({1: stored.etag}, claimed)


def _check_claimed(found: Mapping[int, str], claimed: Mapping[int, str]) -> None:
    """Raise PartsMismatchError where a client named other parts than are there. One that names none takes what is there."""
    if claimed and dict(claimed) != dict(found):
        wrong = sorted(number for number in found.keys() | claimed.keys() if found.get(number) != claimed.get(number))
        raise PartsMismatchError(f"not named, or with a wrong ETag: part {', '.join(map(str, wrong))}")
