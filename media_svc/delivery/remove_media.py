"""Remove media that no post shows any more, and erase their files."""

import time
from collections.abc import Sequence

import structlog

from media_svc.check_schedule import checks_after_removal
from media_svc.delivery.erase_media import EraseMedia
from media_svc.media_ids import parse_valid_ids
from media_svc.model import Media, MediaState
from media_svc.ports import MediaUsage
from media_svc.store.port import MediaStore
from meshkit.errors import UnavailableError

# At most three steps can come before this one. More conflicts than that mean a store that confirms nothing.
MAX_TRIES = 4
_log = structlog.get_logger()


class RemoveMedia:
    """Moves media from any state to REMOVED, and erases them.

    Known race: if the owner posts a medium again within the few milliseconds between the check for uses and its removal,
    the new post shows a removed medium.
    """

    def __init__(self, store: MediaStore, usage: MediaUsage, erase: EraseMedia) -> None:
        self._store = store
        self._usage = usage
        self._erase = erase

    async def __call__(self, owner_id: int, media_ids: Sequence[str]) -> None:
        """Remove the owner's media that are not used anywhere. Raises UnavailableError if that is not known or not done."""
        own = [each for each in parse_valid_ids(media_ids) if each.owner == owner_id]
        if not own:
            return
        used = await self._usage.filter_used(owner_id, [str(each) for each in own])
        for media in await self._store.get_media([each for each in own if str(each) not in used]):
            await self._remove(media)

    async def _remove(self, media: Media) -> None:
        removed = await self._removed(media)
        # Planned before erasing, so that the sweeper finds what a crash leaves or a worker still adds.
        for minute in checks_after_removal(time.time_ns() // 1_000_000):
            await self._store.plan_check(minute, media.media_id)
        await self._erase(removed)
        await self._store.drop_bytes(media.media_id)
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
