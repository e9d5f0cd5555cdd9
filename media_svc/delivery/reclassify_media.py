"""Change how long CDN caches keep a medium's files when its popularity changes."""

import asyncio

import structlog

from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.delivery.erase_media import EraseMedia
from media_svc.model import Media, MediaState, rendition_key
from media_svc.ports import Objects, Popularity, PopularPhotos
from media_svc.store.port import MediaStore
from meshkit.errors import LensfeedError
from meshkit.ids import PublicId
from meshkit.tasks.periodic import every

INTERVAL_SECONDS = 30.0
BATCH = 64
# A medium has a dozen files, a video hundreds.
COPIES_AT_ONCE = 16
_log = structlog.get_logger()


class ReclassifyMedia:
    """Rewrites the Cache-Control of files in place. Several processes may run it at once.

    A photo that becomes hot is queued in `photos`, if given, for better compression.
    """

    def __init__(
        self,
        store: MediaStore,
        objects: Objects,
        popularity: Popularity,
        erase: EraseMedia,
        photos: PopularPhotos | None = None,
    ) -> None:
        self._store = store
        self._objects = objects
        self._popularity = popularity
        self._erase = erase
        self._photos = photos

    async def run(self, stopping: asyncio.Event) -> None:
        """Reclassify until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                await self()
            except (LensfeedError, OSError) as error:
                _log.warning("reclassifying_failed", error=repr(error))

    async def __call__(self) -> None:
        """Apply all pending changes. Raises UnavailableError; the next call continues."""
        await self._popularity.review()
        while changed := await self._popularity.changed(BATCH):
            for media_id, cache_class in changed.items():
                await self._apply(media_id, cache_class)

    async def _apply(self, media_id: PublicId, cache_class: CacheClass) -> None:
        media = await self._served(media_id)
        if media is None:
            await self._popularity.forget(media_id)
            return
        if cache_class is CacheClass.HOT and media.is_improvable and self._photos is not None:
            await self._photos.add(media_id)
        keys = await self._objects.list_keys(rendition_key(f"{media_id}/"))
        slots, control = asyncio.Semaphore(COPIES_AT_ONCE), cache_control(cache_class)
        changed = await asyncio.gather(*(self._recache(key, control, slots) for key in keys))
        # A copy that overlapped with a removal may have restored a deleted file.
        for current in await self._store.get_media([media_id]):
            if current.state is MediaState.REMOVED:
                await self._erase(current)
        await self._popularity.acknowledge(media_id, cache_class)
        _log.info("media_reclassified", media_id=str(media_id), to=cache_class.name, files=sum(changed))

    async def _recache(self, key: str, control: str, slots: asyncio.Semaphore) -> bool:
        async with slots:
            return await self._objects.recache(key, control)

    async def _served(self, media_id: PublicId) -> Media | None:
        found = await self._store.get_media([media_id])
        return next((media for media in found if media.state is MediaState.READY), None)
