"""Sweep unfinished uploads: finish the complete ones, and give up the ones that are too old."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from itertools import product
from typing import Any, TypeVar

import structlog

from media_svc.check_schedule import (
    LAST_AGE,
    MINUTE_MS,
    RECHECK_AGE,
    STUCK_AGE,
    URLS_EXPIRED_AGE,
    next_check,
    urls_expired_ms,
)
from media_svc.delivery.erase_media import EraseMedia
from media_svc.errors import PartsMismatchError, UploadExpiredError
from media_svc.model import Failure, FailureReason, Media, MediaState
from media_svc.ports import Events, Objects
from media_svc.store.port import SHARDS, MediaStore
from media_svc.uploads.finish_upload import FinishUpload
from meshkit.clocks import Times, local_ms
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId, id_millis
from meshkit.tasks.periodic import every

INTERVAL_SECONDS = 10.0
# Checks mostly wait for S3. More at once would slow down uploads.
PAGE = 16
CHECKS_AT_ONCE = 16
# After a downtime, a sweeper reads this many minutes at once and then records its progress.
STRIDE = 30
# How far back to check if the stored progress cannot be believed, because it lies in the future.
DOUBT_MINUTES = 10
_EXPIRED = Failure(FailureReason.UPLOAD_EXPIRED, "The upload was not finished in time.")
_UNPROCESSED = Failure(FailureReason.MEDIA_CORRUPT, "The file could not be processed.")
_log = structlog.get_logger()
T = TypeVar("T")


class SweepUploads:
    """Checks each upload at the minutes of the schedule. Several sweepers may run: every step is taken once.

    A minute's uploads are checked when it begins. When it is over, those planned meanwhile are checked too, which are few.
    So uploaded bytes are found within a minute, and nothing is missed.
    """

    def __init__(
        self,
        store: MediaStore,
        objects: Objects,
        events: Events,
        finish: FinishUpload,
        erase: EraseMedia,
        times: Callable[[], Awaitable[Times]] | None = None,
    ) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._finish = finish
        self._erase = erase
        self._times = times or _local_times
        self._slots = asyncio.Semaphore(CHECKS_AT_ONCE)
        # The last minute that was checked at its beginning, and the uploads found then.
        self._begun = 0
        self._seen: set[PublicId] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                times = await self._times()
                if times.agree:
                    await self.sweep(times.earliest_ms)
                else:
                    _log.error("upload_sweep_refused", why="clocks differ by more than a minute")
            except (LensfeedError, OSError) as error:
                _log.warning("upload_sweep_failed", error=repr(error))

    async def sweep(self, now_ms: int) -> None:
        """Check all past minutes and the current one. `now_ms` is the time in milliseconds since 1970.

        Raises UnavailableError if S3 or the store did not answer; those minutes and later ones are repeated.
        """
        this_minute = now_ms // MINUTE_MS
        done_before = await self._store.checks_done_before()
        if done_before > this_minute + 1:  # left by a process whose clock was wrong
            _log.error("upload_checks_done_ahead_of_time", done_before=done_before)
            done_before = this_minute - DOUBT_MINUTES
        undone = range(done_before, this_minute)
        for first in undone[::STRIDE]:
            minutes = range(first, min(first + STRIDE, this_minute))
            await self._sweep_minutes(minutes, now_ms)
            await self._store.set_checks_done_before(minutes.stop)
        if self._begun < this_minute:
            self._seen = await self._sweep_minutes([this_minute], now_ms)
            self._begun = this_minute

    async def _sweep_minutes(self, minutes: Iterable[int], now_ms: int) -> set[PublicId]:
        """Check the uploads of several minutes together, and return them."""
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
            # After a downtime an upload is checked once, however many checks it missed.
            counted = max(minute, now_ms // MINUTE_MS - 1)
            stored = await self._store.get_media(new)
            await _all(self._check(each, counted, now_ms) for each in stored)
            await _all(self._drop_lost(each, now_ms) for each in set(new) - {each.media_id for each in stored})
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
                await self._store.drop_bytes(media.media_id)
                return
            if media.state is MediaState.AWAITING_UPLOAD:
                media = await self._try_to_finish(media, now_ms)
            elif media.is_unfinished:
                media = await self._process_again(media, (now_ms - media.uploaded_ms) // MINUTE_MS)
            if media.state is not MediaState.AWAITING_UPLOAD and now_ms >= urls_expired_ms(media):
                await self._drop_leftovers(media)
            if (following := _next_minute(media, minute, now_ms)) is not None:
                await self._store.plan_check(following, media.media_id)

    async def _try_to_finish(self, media: Media, now_ms: int) -> Media:
        try:
            return await self._finish(media, now_ms)
        except UploadExpiredError:
            return await self._reject(media, _EXPIRED)
        except PartsMismatchError:
            return media

    async def _process_again(self, media: Media, waiting: int) -> Media:
        """Announce a medium to the workers again, which is harmless. After a day, reject it."""
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
        """Delete what lies at the upload key; the accepted bytes have another key."""
        if media.upload_id:
            await self._objects.abort_multipart(media.upload_key, media.upload_id)
        if await self._objects.head(media.upload_key) is not None:
            await self._objects.delete(media.upload_key)
        if media.state is MediaState.REJECTED and not media.etag:  # its bytes never arrived
            await self._store.drop_bytes(media.media_id)

    async def _drop_lost(self, media_id: PublicId, now_ms: int) -> None:
        """Stop counting bytes of a medium that was never added. The call that adds it is over once its URLs expired."""
        expired = id_millis(media_id.local) // MINUTE_MS + URLS_EXPIRED_AGE
        if now_ms // MINUTE_MS < expired:
            await self._store.plan_check(expired, media_id)
        else:
            await self._store.drop_bytes(media_id)


async def _local_times() -> Times:
    now_ms = local_ms()
    return Times(now_ms, now_ms)


async def _all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all, even if one fails, and then raise its exception."""
    outcomes = await asyncio.gather(*coroutines, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _next_minute(media: Media, minute: int, now_ms: int) -> int | None:
    """Return when to check again: by the schedule, never for settled media, always for unsettled ones."""
    # A READY video is checked until it has all of its rungs.
    if media.state in {MediaState.READY, MediaState.REJECTED} and not media.is_unfinished:
        gone_ms = urls_expired_ms(media)
        return None if now_ms >= gone_ms else max(minute, gone_ms // MINUTE_MS) + 1
    return next_check(media, minute) or minute + RECHECK_AGE
