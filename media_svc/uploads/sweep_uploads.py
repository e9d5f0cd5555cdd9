"""Look after uploads that nobody finished: finish those that are complete, give up those that are too old."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Sequence
from itertools import product
from typing import Any, TypeVar

import structlog

from media_svc.check_schedule import LAST_AGE, MINUTE_MS, RECHECK_AGE, STUCK_AGE, next_check, urls_gone_ms
from media_svc.delivery.erase_media import EraseMedia
from media_svc.errors import PartsMismatchError, UploadExpiredError
from media_svc.model import Failure, FailureReason, Media, MediaState
from media_svc.ports import Events, Objects
from media_svc.store.port import SHARDS, MediaStore
from media_svc.uploads.finish_upload import FinishUpload
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId

INTERVAL_SECONDS = 10.0
# Checks are mostly waiting for S3; more at once would only make it slower for uploads.
PAGE = 16
CHECKS_AT_ONCE = 16
# A sweeper that was away reads so many minutes together, and writes down how far it is after them.
STRIDE = 30
_EXPIRED = Failure(FailureReason.UPLOAD_EXPIRED, "The upload was not finished in time.")
_UNPROCESSED = Failure(FailureReason.MEDIA_CORRUPT, "The file could not be processed.")
_log = structlog.get_logger()
T = TypeVar("T")


class SweepUploads:
    """Looks at each upload at the minutes of the schedule. Several sweepers may run: every step is taken once.

    A minute's uploads are looked at when it begins, and once more when it is over: only those that were planned meanwhile, which
    are hardly any. So bytes that came are found a minute later, and nothing is ever missed.
    """

    def __init__(
        self, store: MediaStore, objects: Objects, events: Events, finish: FinishUpload, erase: EraseMedia
    ) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._finish = finish
        self._erase = erase
        self._slots = asyncio.Semaphore(CHECKS_AT_ONCE)
        # The last minute that was looked at when it began, and whom there was to look at.
        self._begun = 0
        self._seen: set[PublicId] = set()

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
        """Do the checks of all minutes that are over, and of this one. `now_ms` is the time in milliseconds since 1970.

        Raises UnavailableError where S3 or the store did not answer: those minutes, and those after them, are done again.
        """
        this_minute = now_ms // MINUTE_MS
        undone = range(await self._store.checks_done_before(), this_minute)
        for first in undone[::STRIDE]:
            minutes = range(first, min(first + STRIDE, this_minute))
            await self._sweep_minutes(minutes, now_ms)
            await self._store.set_checks_done_before(minutes.stop)
        if self._begun < this_minute:
            self._seen = await self._sweep_minutes([this_minute], now_ms)
            self._begun = this_minute

    async def _sweep_minutes(self, minutes: Iterable[int], now_ms: int) -> set[PublicId]:
        """Do the checks of some minutes together; returns whom there was to look at."""
        buckets = await _all(
            self._sweep_bucket(minute, shard, now_ms) for minute, shard in product(minutes, range(SHARDS))
        )
        return set().union(*buckets)

    async def _sweep_bucket(self, minute: int, shard: int, now_ms: int) -> set[PublicId]:
        found: set[PublicId] = set()
        after: PublicId | None = None
        is_seen = minute == self._begun
        while page := await self._page(minute, shard, after):
            new = [each for each in page if not (is_seen and each in self._seen)]
            # A sweeper that was away looks as late as it is, and once, however many checks it missed.
            counted = max(minute, now_ms // MINUTE_MS - 1)
            await _all(self._check(each, counted, now_ms) for each in await self._store.get_media(new))
            found.update(page)
            after = page[-1]
        return found

    async def _page(self, minute: int, shard: int, after: PublicId | None) -> Sequence[PublicId]:
        async with self._slots:
            return await self._store.list_checks(minute, shard, after, PAGE)

    async def _check(self, media: Media, minute: int, now_ms: int) -> None:
        async with self._slots:
            if media.state is MediaState.REMOVED:
                await self._erase(media)
                return
            if media.state is MediaState.AWAITING_UPLOAD:
                media = await self._try_to_finish(media, now_ms)
            elif media.is_unfinished:
                media = await self._process_again(media, (now_ms - media.uploaded_ms) // MINUTE_MS)
            if media.state is not MediaState.AWAITING_UPLOAD and now_ms >= urls_gone_ms(media):
                await self._drop_leftovers(media)
            if (following := _following(media, minute, now_ms)) is not None:
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
        if waiting >= LAST_AGE and media.state is MediaState.PROCESSING:
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


async def _all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all, also where one fails, and then raise what that one raised."""
    outcomes = await asyncio.gather(*coroutines, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _following(media: Media, minute: int, now_ms: int) -> int | None:
    """Return when to look again: by the schedule, but at nothing that is settled, and never no more at what is not."""
    # A video that is READY in its lowest rung is looked after until it has all of them.
    if media.state in {MediaState.READY, MediaState.REJECTED} and not media.is_unfinished:
        gone_ms = urls_gone_ms(media)
        return None if now_ms >= gone_ms else max(minute, gone_ms // MINUTE_MS) + 1
    return next_check(media, minute) or minute + RECHECK_AGE
