"""Make a medium's renditions and serve them, or reject it. Safe to repeat."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.model import AnimatedPictureError, Failure, Media, MediaRejectedError, MediaState, Picture, rendition_key
from media_svc.photos.renditions import Rendered
from media_svc.ports import Events, Objects
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.store.port import MediaStore
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId

# A name depends on its content, so a file never changes. A new photo has no views yet.
CACHE_CONTROL = cache_control(CacheClass.COLD)
# Renders the file `original` in a folder, given its content type.
Render = Callable[[Path, str], Awaitable[Rendered]]
# Queues a medium to be processed as a video.
AddVideo = Callable[[PublicId], Awaitable[object]]
_log = structlog.get_logger()


class OriginalMissingError(Exception):
    """The accepted original is not in the bucket: somebody has deleted it."""


class MakeRenditions:
    """Moves a photo from PROCESSING to READY or REJECTED. An animated one is passed to `add_video` instead."""

    def __init__(
        self, store: MediaStore, objects: Objects, events: Events, render: Render, add_video: AddVideo
    ) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._render = render
        self._add_video = add_video

    async def __call__(self, media_id: PublicId) -> None:
        """Process one medium, unless that is done. Raises RenderCrashedError or UnavailableError, which may pass."""
        found = await self._store.get_media([media_id])
        if not found or found[0].state is not MediaState.PROCESSING:
            return
        media = found[0]
        with tempfile.TemporaryDirectory(prefix="lensfeed-render-") as folder:
            try:
                rendered = await render_original(self._objects, self._render, media, Path(folder))
            except AnimatedPictureError:
                await self._add_video(media_id)
                return
            except MediaRejectedError as error:
                await self._reject(media, error.failure)
                return
        await self._serve(media_id, rendered.picture, rendered.contents)
        changed = media.ready(rendered.picture.named_under(media_id))
        await self._settle(media, changed, self._events.ready(changed))

    async def _serve(self, media_id: PublicId, picture: Picture, contents: Mapping[str, bytes]) -> None:
        named = picture.named_under(media_id).renditions
        puts = (
            self._objects.put(rendition_key(after.name), contents[before.name], after.content_type, CACHE_CONTROL)
            for before, after in zip(picture.renditions, named, strict=True)
        )
        await asyncio.gather(*puts)

    async def _reject(self, media: Media, failure: Failure) -> None:
        changed = media.rejected(failure)
        if await self._settle(media, changed, self._events.rejected(changed)):
            await self._objects.delete(media.original_key)

    async def _settle(self, media: Media, changed: Media, record: OutboxRecord) -> bool:
        """Write the outcome. Only the first writer sends the event; a repeated one ends here."""
        is_first = await self._store.replace_media(media, changed, [record])
        if is_first:
            self._events.send_soon(record)
            _log.info("media_settled", media_id=str(media.media_id), state=changed.state, failure=changed.failure)
        return is_first


async def render_original(objects: Objects, render: Render, media: Media, folder: Path) -> Rendered:
    """Download a medium's original into a private folder and render it there.

    Raises OriginalMissingError, UnavailableError (also while an original is restored from an archive), and what `render`
    raises.
    """
    if not await objects.download(media.original_key, folder / ORIGINAL_NAME):
        raise OriginalMissingError(str(media.media_id))
    return await render(folder, media.content_type)
