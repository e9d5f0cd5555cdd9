"""Erase a removed medium from S3 and from CDN caches. Safe to repeat."""

import asyncio
from collections.abc import Iterable, Sequence

from media_svc.model import Media, rendition_key
from media_svc.ports import Caches, Objects

# A long video has hundreds of segments.
DELETIONS_AT_ONCE = 32


class EraseMedia:
    """Deletes a medium's files, original and upload, and purges its files from CDN caches."""

    def __init__(self, objects: Objects, caches: Caches) -> None:
        self._objects = objects
        self._caches = caches

    async def __call__(self, media: Media) -> None:
        """Erase a medium. Raises UnavailableError if some of it may be left."""
        folder = rendition_key(f"{media.media_id}/")
        files = await self._objects.list_keys(folder)
        originals = await self._objects.list_keys(f"o/{media.media_id}/")
        if media.upload_id:
            await self._objects.abort_multipart(media.upload_key, media.upload_id)
        await self._delete([*files, *originals, media.upload_key])
        # A repeated attempt no longer finds the files in S3. It purges the names that the medium knows.
        names = {key.removeprefix(rendition_key("")) for key in files} | set(_names_in(media))
        await self._caches.purge(sorted(names))

    async def _delete(self, keys: Sequence[str]) -> None:
        for some in _batches(keys):
            await asyncio.gather(*(self._objects.delete(key) for key in some))


def _batches(keys: Sequence[str]) -> Iterable[Sequence[str]]:
    return (keys[first : first + DELETIONS_AT_ONCE] for first in range(0, len(keys), DELETIONS_AT_ONCE))


def _names_in(media: Media) -> Iterable[str]:
    yield from (each.name for each in media.renditions)
    yield from media.replaced_names or ()
    if media.video:
        yield media.hls_name
        yield from (each.playlist for each in media.video.rungs)
