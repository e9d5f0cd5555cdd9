"""Queue an uploaded medium for the workers. Safe to repeat."""

from typing import Protocol

from media_svc.job_costs import estimated_cost
from media_svc.model import MediaKind
from media_svc.store.port import MediaStore
from meshkit.ids import PublicId


class Jobs(Protocol):
    """A queue of media to process."""

    async def add(self, media_id: PublicId, cost: int) -> bool:
        """Add a medium, unless it is queued. Returns whether it was added. Raises UnavailableError."""
        ...


class QueueMedia:
    """Adds a medium that is not finished to the queue of its kind."""

    def __init__(self, store: MediaStore, photos: Jobs, videos: Jobs) -> None:
        self._store = store
        self._photos = photos
        self._videos = videos

    async def __call__(self, media_id: PublicId) -> None:
        """Queue one medium. Raises UnavailableError."""
        for media in await self._store.get_media([media_id]):
            if media.is_unfinished:
                queue = self._videos if media.kind is MediaKind.VIDEO else self._photos
                await queue.add(media_id, estimated_cost(media))
