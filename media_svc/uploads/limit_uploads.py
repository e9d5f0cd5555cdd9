"""Limit how many unfinished media an owner has."""

import time
from collections.abc import Iterable, Sequence

import structlog

from media_svc.errors import UploadsPendingError
from media_svc.model import MediaState
from media_svc.ports import UnfinishedMedia
from media_svc.store.port import MediaStore
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId, id_millis

# The store may not have a medium yet whose upload began less than this ago.
_NEW_MS = 60_000
_BATCH = 100
_UNFINISHED = {MediaState.AWAITING_UPLOAD, MediaState.PROCESSING}
_log = structlog.get_logger()


class LimitUploads:
    """Counts an upload that is about to begin. Without Redis, uploads are not limited."""

    def __init__(self, store: MediaStore, unfinished: UnfinishedMedia, limit: int) -> None:
        self._store = store
        self._unfinished = unfinished
        self._limit = limit

    async def __call__(self, media_id: PublicId) -> None:
        """Count a new medium; a repeat counts once. Raises UploadsPendingError if its owner has too many."""
        try:
            is_counted = await self._unfinished.add(media_id, self._limit) or await self._try_again(media_id)
        except UnavailableError as error:
            _log.warning("uploads_not_limited", error=repr(error))
            return
        if not is_counted:
            raise UploadsPendingError(self._limit)

    async def _try_again(self, media_id: PublicId) -> bool:
        """Try once more without the media that have been finished since."""
        listed = await self._unfinished.to_check(media_id.owner)
        unfinished = await self._of_these(listed)
        finished = [each for each in listed if each not in unfinished]
        await self._unfinished.remove(finished)
        return bool(finished) and await self._unfinished.add(media_id, self._limit)

    async def _of_these(self, media_ids: Sequence[PublicId]) -> set[PublicId]:
        """Return which media are unfinished. New ones are, even if the store has not got them yet."""
        new_since = time.time_ns() // 1_000_000 - _NEW_MS
        unfinished = {each for each in media_ids if id_millis(each.local) > new_since}
        for batch in _batches(media_ids):
            stored = {each.media_id: each for each in await self._store.get_media(batch)}
            unfinished -= {media_id for media_id, each in stored.items() if each.state not in _UNFINISHED}
            unfinished |= {media_id for media_id, each in stored.items() if each.state in _UNFINISHED}
        return unfinished


def _batches(media_ids: Sequence[PublicId]) -> Iterable[Sequence[PublicId]]:
    return (media_ids[at : at + _BATCH] for at in range(0, len(media_ids), _BATCH))
