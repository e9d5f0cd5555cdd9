"""Remove media that no post shows any more: nobody gets them from now on, and their files go."""

import time
from collections.abc import Sequence

import structlog

from media_svc.check_schedule import checks_of_removed
from media_svc.delivery.erase_media import EraseMedia
from media_svc.media_ids import parse_all
from media_svc.model import Media, MediaState
from media_svc.ports import Uses
from media_svc.store.port import MediaStore
from meshkit.errors import UnavailableError

# A medium takes three steps before this one: more tries than that only meet a store that confirms nothing.
MAX_TRIES = 4
_log = structlog.get_logger()


class RemoveMedia:
    """Takes media from any state to REMOVED, and erases them.

    Between the question whether a medium is used and its removal its owner may post it anew; that post then shows a medium that
    is gone. It takes a delete and a post of the same person within a few milliseconds, and is not prevented.
    """

    def __init__(self, store: MediaStore, uses: Uses, erase: EraseMedia) -> None:
        self._store = store
        self._uses = uses
        self._erase = erase

    async def __call__(self, owner_id: int, media_ids: Sequence[str]) -> None:
        """Remove those of an owner's media that are used nowhere. Raises UnavailableError where that is not known or done."""
        own = [each for each in parse_all(media_ids) if each.owner == owner_id]
        if not own:
            return
        used = await self._uses.among(owner_id, [str(each) for each in own])
        for media in await self._store.get_media([each for each in own if str(each) not in used]):
            await self._remove(media)

    async def _remove(self, media: Media) -> None:
        removed = await self._removed(media)
        # Before anything is erased: what this process leaves, or a worker still adds, the sweeper finds.
        for minute in checks_of_removed(time.time_ns() // 1_000_000):
            await self._store.plan_check(minute, media.media_id)
        await self._erase(removed)
        _log.info("media_removed", media_id=str(media.media_id))

    async def _removed(self, media: Media) -> Media:
        for _ in range(MAX_TRIES):
            if media.state is MediaState.REMOVED:
                return media
            changed = media.removed()
            if await self._store.replace_media(media, changed, []):
                return changed
            media = (await self._store.get_media([media.media_id]))[0]
        raise UnavailableError
