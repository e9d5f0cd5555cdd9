"""BatchListPlaces: the places of authors' newest posts."""

from collections.abc import Sequence

from meshkit.ids import MAX_ID
from post_svc.store import PostStore


class BatchListPlaces:
    """Reads places for the other services."""

    def __init__(self, store: PostStore) -> None:
        self._store = store

    async def __call__(
        self, author_ids: Sequence[int], before_place: int, limit: int
    ) -> Sequence[tuple[int, Sequence[int]]]:
        """Return up to `limit` places below `before_place` (0: from the newest) for each author, newest first."""
        places = await self._store.places_of(author_ids, before_place or MAX_ID, limit)
        return [(author_id, places[author_id]) for author_id in author_ids]
