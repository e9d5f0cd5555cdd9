"""Look media up by what a caller said."""

from collections.abc import Iterable, Sequence

from media_svc.errors import MediaNotFoundError
from media_svc.model import Media
from media_svc.store.port import MediaStore
from meshkit.ids import MalformedIdError, PublicId


async def find_media(store: MediaStore, text: str, user_id: int) -> Media:
    """Return the medium that a public id names. Raises MediaNotFoundError where this user may not know of one."""
    try:
        media_id = PublicId.parse(text)
    except MalformedIdError:
        raise MediaNotFoundError from None
    found = await store.get_media([media_id])
    if not found or not found[0].visible_to(user_id):
        raise MediaNotFoundError
    return found[0]


def parse_all(media_ids: Sequence[str]) -> Iterable[PublicId]:
    """Yield the ids that texts are; those that are none are of no medium."""
    for text in media_ids:
        try:
            yield PublicId.parse(text)
        except MalformedIdError:
            continue
