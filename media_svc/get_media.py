"""Show media: one to somebody, or many of one owner to the other services."""

from collections.abc import Iterable, Sequence

from media_svc.find_media import find_media
from media_svc.model import Media
from media_svc.store.port import MediaStore
from meshkit.ids import MalformedIdError, PublicId


class GetMedia:
    """One medium: to its owner in every state, to others once it is READY."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def __call__(self, user_id: int, media_id: str) -> Media:
        """Return the medium. Raises MediaNotFoundError."""
        return await find_media(self._store, media_id, user_id)


class BatchGetMedia:
    """The media of one owner, in every state."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def __call__(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Media]:
        """Return those that exist and are the owner's, in the order asked for."""
        return await self._store.get_media([each for each in _parsed(media_ids) if each.owner == owner_id])


def _parsed(media_ids: Sequence[str]) -> Iterable[PublicId]:
    for text in media_ids:
        try:
            yield PublicId.parse(text)
        except MalformedIdError:
            continue
