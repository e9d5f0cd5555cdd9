"""Find a medium as others than its owner see it."""

from media_svc.media_ids import find_visible_media
from media_svc.model import Media
from media_svc.ports import MediaUsage
from media_svc.store.port import MediaStore
from meshkit.ids import PublicId


class FindSharedMedia:
    """Finds media that their owners have shared: in a post, or as their profile picture."""

    def __init__(self, store: MediaStore, usage: MediaUsage) -> None:
        self._store = store
        self._usage = usage

    async def __call__(self, media_id: PublicId, viewer_id: int) -> Media | None:
        """Return a medium that its state and its use let the viewer see. Owners see theirs before they share them.

        Whether the viewer may see the owner's media, the gate decides. Raises UnavailableError.
        """
        media = await find_visible_media(self._store, media_id, viewer_id)
        if media is None or media_id.owner == viewer_id:
            return media
        return media if await self._usage.filter_used(media_id.owner, [str(media_id)]) else None
