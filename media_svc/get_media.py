"""Show media: one to somebody, or many of one owner to the other services."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from media_svc.media_ids import find_media, parse_all
from media_svc.model import Media, MediaState
from media_svc.store.port import MediaStore
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.start_upload import StartedUpload


@dataclass(frozen=True, slots=True)
class ShownMedia:
    """A medium, and how its owner goes on with an upload that is not finished."""

    media: Media
    upload: StartedUpload | None


class GetMedia:
    """One medium: to its owner in every state, to others once it is READY."""

    def __init__(self, store: MediaStore, resume: ResumeUpload) -> None:
        self._store = store
        self._resume = resume

    async def __call__(self, user_id: int, media_id: str) -> ShownMedia:
        """Return the medium. Raises MediaNotFoundError."""
        media = await find_media(self._store, media_id, user_id)
        if media.state is not MediaState.AWAITING_UPLOAD:
            return ShownMedia(media, None)
        return ShownMedia(media, await self._resume(media, time.time_ns() // 1_000_000))


class BatchGetMedia:
    """The media of one owner, in every state."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def __call__(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Media]:
        """Return those that exist and are the owner's, in the order asked for."""
        found = await self._store.get_media([each for each in parse_all(media_ids) if each.owner == owner_id])
        return [each for each in found if each.visible_to(owner_id)]
