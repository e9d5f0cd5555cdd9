"""Look up media by the ids in a request."""

from collections.abc import Iterable, Sequence

from media_svc.errors import MediaNotFoundError
from media_svc.model import Media
from media_svc.store.port import MediaStore
from meshkit.ids import MalformedIdError, PublicId


def parse_media_id(text: str) -> PublicId:
    """Parse a public id. Raises MediaNotFoundError if it is malformed."""
    try:
        return PublicId.parse(text)
    except MalformedIdError:
        raise MediaNotFoundError from None


async def find_visible_media(store: MediaStore, media_id: PublicId, user_id: int) -> Media | None:
    """Return a medium if its state lets a user see it. Whether the user may see its owner's media, the gate decides."""
    found = await store.get_media([media_id])
    return found[0] if found and found[0].visible_to(user_id) else None


def parse_valid_ids(media_ids: Sequence[str]) -> Iterable[PublicId]:
    """Yield the ids that are well-formed, and skip the others."""
    for text in media_ids:
        try:
            yield PublicId.parse(text)
        except MalformedIdError:
            continue
