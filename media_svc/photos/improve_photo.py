"""Compress a popular photo's AVIFs better, and serve the smaller files. Safe to repeat.

The replaced files stay until the medium is removed: posts, cards and apps still refer to them.
"""

import asyncio
import time
from collections.abc import Mapping

import structlog

from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.delivery.erase_media import EraseMedia
from media_svc.model import Media, MediaRejectedError, MediaState, rendition_key
from media_svc.photos.make_renditions import Render, render_original
from media_svc.photos.renditions import Rendered
from media_svc.ports import Events, Objects
from media_svc.store.port import MediaStore
from media_svc.work_folder import work_folder
from meshkit.ids import PublicId

# Only popular photos get here. When that changes, all files of the medium are rewritten.
CACHE_CONTROL = cache_control(CacheClass.HOT)
_log = structlog.get_logger()


class ImprovePhoto:
    """Replaces the quickly made renditions of a photo by smaller ones, once per photo.

    `render` makes the candidates. Candidates that are not smaller are dropped.
    """

    def __init__(self, store: MediaStore, objects: Objects, events: Events, render: Render, erase: EraseMedia) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._render = render
        self._erase = erase

    async def __call__(self, media_id: PublicId) -> None:
        """Improve one photo, unless that is done. Raises RenderCrashedError or UnavailableError, which may pass."""
        media = await self._find(media_id)
        if media is None or not media.is_improvable:
            return
        began = time.monotonic()
        with work_folder("improve") as folder:
            try:
                rendered = await render_original(self._objects, self._render, media, folder)
            except MediaRejectedError as error:  # it needs too much time or memory; the served files are fine
                _log.warning("photo_not_improved", media_id=str(media_id), failure=error.failure)
                await self.give_up(media_id)
                return
        await self._swap(media, rendered, began)

    async def give_up(self, media_id: PublicId) -> None:
        """Keep a photo as it is, for good."""
        media = await self._find(media_id)
        if media is not None and media.is_improvable:
            await self._store.swap_renditions(media, media.improved(()), [])

    async def _find(self, media_id: PublicId) -> Media | None:
        found = await self._store.get_media([media_id])
        return found[0] if found else None

    async def _swap(self, media: Media, rendered: Rendered, began: float) -> None:
        changed = media.improved(rendered.picture.named_under(media.media_id).renditions)
        await self._serve(media, changed, rendered.contents)
        # No event if nothing has changed.
        records = [self._events.improved(changed)] if changed.replaced_names else []
        if not await self._store.swap_renditions(media, changed, records):
            await self._handle_conflict(media)
            return
        self._events.send_soon(*records)
        _log.info(
            "photo_improved",
            media_id=str(media.media_id),
            files=len(changed.replaced_names or ()),
            bytes_before=_bytes_not_in(media, changed),
            bytes_after=_bytes_not_in(changed, media),
            seconds=round(time.monotonic() - began, 1),
        )

    async def _serve(self, media: Media, changed: Media, contents: Mapping[str, bytes]) -> None:
        new = [each for each in changed.renditions if each not in media.renditions]
        await asyncio.gather(
            *(
                self._objects.put(
                    rendition_key(each.name),
                    contents[each.name.removeprefix(f"{media.media_id}/")],
                    each.content_type,
                    CACHE_CONTROL,
                )
                for each in new
            )
        )

    async def _handle_conflict(self, media: Media) -> None:
        """Keep what another writer did. If the photo was removed meanwhile, erase the new files."""
        _log.warning("photo_overtaken", media_id=str(media.media_id))
        current = await self._find(media.media_id)
        if current is not None and current.state is MediaState.REMOVED:
            await self._erase(current)


def _bytes_not_in(media: Media, other: Media) -> int:
    """Return the size of the renditions that one version of a medium has and the other does not."""
    return sum(each.size_bytes for each in media.renditions if each not in other.renditions)
