"""Look after uploads that nobody finished: finish those that are complete, give up those that are too old."""

import asyncio
import time

import structlog

from media_svc.check_schedule import LAST_AGE, MINUTE_MS, RECHECK_AGE, STUCK_AGE, URLS_GONE_AGE, age_at, next_check
from media_svc.errors import PartsMismatchError, UploadExpiredError
from media_svc.finish_upload import FinishUpload
from media_svc.model import Failure, FailureReason, Media, MediaState
from media_svc.ports import Events, Objects
from media_svc.store.port import SHARDS, MediaStore
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId

INTERVAL_SECONDS = 10.0
# Checks are mostly waiting for S3; more at once would only make it slower for uploads.
PAGE = 16
_EXPIRED = Failure(FailureReason.UPLOAD_EXPIRED, "The upload was not finished in time.")
_UNPROCESSED = Failure(FailureReason.MEDIA_CORRUPT, "The file could not be processed.")
_log = structlog.get_logger()


class SweepUploads:
    """Looks at each upload at the ages of the schedule. Several sweepers may run: every step is taken once."""

    def __init__(self, store: MediaStore, objects: Objects, events: Events, finish: FinishUpload) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._finish = finish

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep until the process stops."""
        while not stopping.is_set():
            try:
                await self.sweep(time.time_ns() // 1_000_000)
            except (LensfeedError, OSError) as error:
                _log.warning("upload_sweep_failed", error=repr(error))
            try:
                await asyncio.wait_for(stopping.wait(), INTERVAL_SECONDS)
            except TimeoutError:
                continue

    async def sweep(self, now_ms: int) -> None:
        """Do the checks of all minutes that are over. `now_ms` is the time in milliseconds since 1970.

        Raises UnavailableError where S3 or the store did not answer: that minute, and those after it, are done again.
        """
        this_minute = now_ms // MINUTE_MS
        for minute in range(await self._store.checks_done_before(), this_minute):
            for shard in range(SHARDS):
                await self._sweep_bucket(minute, shard, now_ms)
            await self._store.set_checks_done_before(minute + 1)

    async def _sweep_bucket(self, minute: int, shard: int, now_ms: int) -> None:
        after: PublicId | None = None
        while page := await self._store.list_checks(minute, shard, after, PAGE):
            media = await self._store.get_media(page)
            # A sweeper that was away looks as late as it is, and once, however many checks it missed.
            checks = (self._check(each, max(minute, now_ms // MINUTE_MS - 1), now_ms) for each in media)
            outcomes = await asyncio.gather(*checks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            after = page[-1]

    async def _check(self, media: Media, minute: int, now_ms: int) -> None:
        age = age_at(media, minute)
        if media.state is MediaState.AWAITING_UPLOAD:
            media = await self._try_to_finish(media, now_ms)
        elif media.state is MediaState.PROCESSING:
            media = await self._process_again(media, (now_ms - media.uploaded_ms) // MINUTE_MS)
        if media.state is not MediaState.AWAITING_UPLOAD and age >= URLS_GONE_AGE:
            await self._drop_leftovers(media)
        if (following := _following(media, minute)) is not None:
            await self._store.plan_check(following, media.media_id)

    async def _try_to_finish(self, media: Media, now_ms: int) -> Media:
        try:
            return await self._finish(media, now_ms)
        except UploadExpiredError:
            return await self._reject(media, _EXPIRED)
        except PartsMismatchError:
            return media

    async def _process_again(self, media: Media, waiting: int) -> Media:
        """Tell the workers once more; for them a repetition changes nothing. After a day say that it cannot be done."""
        if waiting < STUCK_AGE:
            return media
        if waiting >= LAST_AGE:
            return await self._reject(media, _UNPROCESSED)
        record = self._events.uploaded(media)
        await self._store.add_records([record])
        self._events.send_soon(record)
        return media

    async def _reject(self, media: Media, failure: Failure) -> Media:
        changed = media.rejected(failure)
        record = self._events.rejected(changed)
        if not await self._store.replace_media(media, changed, [record]):
            return (await self._store.get_media([media.media_id]))[0]
        self._events.send_soon(record)
        _log.info("media_given_up", media_id=str(media.media_id), reason=failure.reason)
        return changed

    async def _drop_leftovers(self, media: Media) -> None:
        """Drop what lies where the client could PUT; the accepted bytes lie elsewhere."""
        if media.upload_id:
            await self._objects.abort_multipart(media.upload_key, media.upload_id)
        if await self._objects.head(media.upload_key) is not None:
            await self._objects.delete(media.upload_key)


def _following(media: Media, minute: int) -> int | None:
    """Return when to look again: by the schedule, but at nothing that is settled, and never no more at what is not."""
    if media.state in {MediaState.READY, MediaState.REJECTED} and age_at(media, minute) >= URLS_GONE_AGE:
        return None
    return next_check(media, minute) or minute + RECHECK_AGE
