"""Resume an upload: list the missing parts, and sign new URLs for them."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from media_svc.check_schedule import checks_for_new_urls, url_seconds
from media_svc.model import Media
from media_svc.ports import Objects, SignedPut
from media_svc.store.port import MediaStore
from media_svc.uploads.rules import Part, plan_parts
from media_svc.uploads.start_upload import StartedUpload
from meshkit.ids import PublicId

# How many uploads' planned checks to remember, so that an app that asks every second costs one write a minute.
REMEMBERED = 10_000


class ResumeUpload:
    """Signs new URLs for the missing parts of an unfinished upload."""

    def __init__(self, store: MediaStore, objects: Objects) -> None:
        self._store = store
        self._objects = objects
        self._planned_until: OrderedDict[PublicId, int] = OrderedDict()

    async def __call__(self, media: Media, now_ms: int) -> StartedUpload | None:
        """Return the missing parts, or an empty list if all are stored; None if it is too late to upload."""
        seconds = url_seconds(media, now_ms)
        missing = await self._missing(media)
        if not seconds or missing is None:
            return None
        if missing:
            # Planned before returning URLs, so that the bytes are found even if this process dies now.
            await self._plan_checks(media.media_id, now_ms)
        puts = await self._sign(media, missing, seconds)
        return StartedUpload(media, list(zip(missing, puts, strict=True)), now_ms + seconds * 1000)

    async def _missing(self, media: Media) -> Sequence[Part] | None:
        """Return the parts that are not stored in their size; None if S3 no longer knows the upload."""
        parts = plan_parts(media.size_bytes)
        found: dict[int, int] = {}
        stored = await self._objects.list_parts(media.upload_key, media.upload_id) if media.upload_id else None
        if stored is not None:
            found = {part.number: part.size_bytes for part in stored}
        elif (whole := await self._objects.head(media.upload_key)) is not None:
            found = {part.number: part.size_bytes for part in parts} if whole.size_bytes == media.size_bytes else {}
        elif media.upload_id:
            return None
        return [part for part in parts if found.get(part.number) != part.size_bytes]

    async def _plan_checks(self, media_id: PublicId, now_ms: int) -> None:
        minutes = checks_for_new_urls(now_ms)
        planned_until = self._planned_until.get(media_id, minutes.start)
        new = range(max(minutes.start, planned_until), minutes.stop)
        await asyncio.gather(*(self._store.plan_check(minute, media_id) for minute in new))
        self._planned_until[media_id] = minutes.stop
        self._planned_until.move_to_end(media_id)
        if len(self._planned_until) > REMEMBERED:
            self._planned_until.popitem(last=False)

    async def _sign(self, media: Media, parts: Sequence[Part], seconds: int) -> Sequence[SignedPut]:
        if media.upload_id:
            return await self._objects.sign_parts(media.upload_key, media.upload_id, parts, seconds)
        key, content_type = media.upload_key, media.content_type
        return [await self._objects.sign_put(key, content_type, part.size_bytes, seconds) for part in parts]
