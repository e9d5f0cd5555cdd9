"""Look up media by the ids in a request."""

from collections.abc import Iterable, Sequence

from media_svc.errors import MediaNotFoundError
from media_svc.model import Media
from media_svc.store.port import MediaStore
from meshkit.ids import MalformedIdError, PublicId


async def get_visible_media(store: MediaStore, text: str, user_id: int) -> Media:
    """Return the medium with a public id. Raises MediaNotFoundError if this user may not see it."""
    try:
        media_id = PublicId.parse(text)
    except MalformedIdError:
        raise MediaNotFoundError from None
    found = await store.get_media([media_id])
    if not found or not found[0].visible_to(user_id):
        raise MediaNotFoundError
    return found[0]


def parse_valid_ids(media_ids: Sequence[str]) -> Iterable[PublicId]:
    """Yield the ids that are well-formed, and skip the others."""
    for text in media_ids:
        try:
            yield PublicId.parse(text)
        except MalformedIdError:
            continue
