"""Get one medium for a viewer, or many of one owner for another service."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from media_svc.errors import MediaNotFoundError
from media_svc.find_shared_media import FindSharedMedia
from media_svc.media_ids import parse_media_id, parse_valid_ids
from media_svc.model import Media, MediaState
from media_svc.store.port import MediaStore
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.start_upload import StartedUpload
from meshkit.sight import Gate, Seen


@dataclass(frozen=True, slots=True)
class ShownMedia:
    """A medium, and how its owner can resume an unfinished upload."""

    media: Seen[Media]
    upload: StartedUpload | None


class GetMedia:
    """Gets one medium: for its owner in every state, for others who see its owner once it is READY and shared."""

    def __init__(self, find: FindSharedMedia, resume: ResumeUpload, gate: Gate) -> None:
        self._find = find
        self._resume = resume
        self._gate = gate

    async def __call__(self, user_id: int, media_id: str) -> ShownMedia:
        """Return the medium. Raises MediaNotFoundError, UserBlockedError and UnavailableError."""
        parsed = parse_media_id(media_id)
        media = await self._gate.show(user_id, parsed.owner, self._find(parsed, user_id), MediaNotFoundError)
        if media.value.state is not MediaState.AWAITING_UPLOAD:
            return ShownMedia(media, None)
        return ShownMedia(media, await self._resume(media.value, time.time_ns() // 1_000_000))


class BatchGetMedia:
    """Gets media of one owner, in every state."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def __call__(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Media]:
        """Return the media that exist and belong to the owner, in the requested order."""
        found = await self._store.get_media([each for each in parse_valid_ids(media_ids) if each.owner == owner_id])
        return [each for each in found if each.visible_to(owner_id)]
