"""Make a medium's renditions and serve them, or reject it. Safe to repeat."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.job_costs import HEADER, LARGEST_PHOTO, film_cost_by_size, photo_cost
from media_svc.model import (
    AnimatedPictureError,
    Failure,
    LargePictureError,
    Media,
    MediaRejectedError,
    MediaState,
    Picture,
    rendition_key,
)
from media_svc.photos.renditions import Rendered
from media_svc.ports import Events, Objects
from media_svc.sandbox.picture_limits import LARGE_PIXELS
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.store.port import MediaStore
from media_svc.work_folder import work_folder
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId

# A name depends on its content, so a file never changes. A new photo has no views yet.
CACHE_CONTROL = cache_control(CacheClass.COLD)
# Renders the file `original` in a folder, given its content type.
Render = Callable[[Path, str], Awaitable[Rendered]]
# Adds a medium to another queue, with its estimated cost.
AddJob = Callable[[PublicId, int], Awaitable[object]]
_log = structlog.get_logger()


class OriginalMissingError(Exception):
    """The accepted original is not in the bucket: somebody has deleted it."""


class MakeRenditions:
    """Moves a photo from PROCESSING to READY or REJECTED.

    An animated one is passed to `add_video` instead, and one that `render` finds large to `add_large`.
    """

    def __init__(
        self,
        store: MediaStore,
        objects: Objects,
        events: Events,
        render: Render,
        add_video: AddJob,
        add_large: AddJob,
    ) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._render = render
        self._add_video = add_video
        self._add_large = add_large

    async def __call__(self, media_id: PublicId) -> int:
        """Process one medium, unless that is done. Returns what it cost.

        Raises RenderCrashedError or UnavailableError, which may pass.
        """
        found = await self._store.get_media([media_id])
        if not found or found[0].state is not MediaState.PROCESSING:
            return HEADER
        media = found[0]
        with work_folder("render") as folder:
            try:
                rendered = await render_original(self._objects, self._render, media, folder)
            except AnimatedPictureError:
                await self._add_video(media_id, film_cost_by_size(media))
                return HEADER
            except LargePictureError:
                await self._add_large(media_id, photo_cost(LARGE_PIXELS))
                return HEADER
            except MediaRejectedError as error:
                await self._reject(media, error.failure)
                return LARGEST_PHOTO  # it may have taken all of the time that it was given
        await self._serve(media_id, rendered.picture, rendered.contents)
        changed = media.ready(rendered.picture.named_under(media_id))
        await self._settle(media, changed, self._events.ready(changed))
        return photo_cost(changed.width * changed.height)

    async def give_up(self, media_id: PublicId) -> None:
        """Leave a photo that nobody could process to the sweeper, which tries again for a day and then rejects it."""

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
