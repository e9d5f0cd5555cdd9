"""Complete an upload at its client's request."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from media_svc.errors import MediaNotFoundError, PartsMismatchError
from media_svc.media_ids import find_visible_media, parse_media_id
from media_svc.model import Media
from media_svc.store.port import MediaStore
from media_svc.uploads.finish_upload import FinishUpload


@dataclass(frozen=True, slots=True)
class ClaimedPart:
    """A part that a client says it has sent, with the ETag from S3."""

    number: int
    etag: str


class CompleteUpload:
    """Finishes an upload for its owner. Repeating it returns the medium in its current state."""

    def __init__(self, store: MediaStore, finish: FinishUpload) -> None:
        self._store = store
        self._finish = finish

    async def __call__(self, user_id: int, media_id: str, parts: Sequence[ClaimedPart]) -> Media:
        """Return the medium. Raises MediaNotFoundError, PartsMismatchError, UploadExpiredError."""
        media = await find_visible_media(self._store, parse_media_id(media_id), user_id)
        if media is None or media.media_id.owner != user_id:
            raise MediaNotFoundError
        return await self._finish(media, time.time_ns() // 1_000_000, _by_number(parts))


def _by_number(parts: Sequence[ClaimedPart]) -> Mapping[int, str]:
    """Index parts by number. Clients send ETags with or without S3's quotes."""
    claimed = {part.number: part.etag.strip('"') for part in parts}
    if len(claimed) != len(parts):
        raise PartsMismatchError("a part is named twice")
    return claimed
