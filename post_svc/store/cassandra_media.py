"""Which published posts show a medium, and how far older posts were added to that index."""

from collections.abc import Sequence

from meshkit.cassandra import Cassandra, Step, sure_read, write
from post_svc.manifests import media_ids_in
from post_svc.model import IndexProgress, Place, PublishedPost
from post_svc.store.write_times import write_time

PAGE = 500
_ADD = write("INSERT INTO posts_by_medium (media_id, author_id, place) VALUES (?, ?, ?) USING TIMESTAMP ?")
_REMOVE = write("DELETE FROM posts_by_medium USING TIMESTAMP ? WHERE media_id = ? AND author_id = ? AND place = ?")
_USES = sure_read("SELECT place FROM posts_by_medium WHERE media_id = ? AND author_id = ? AND place < ? LIMIT ?")
_AUTHORS = sure_read("SELECT DISTINCT token(author_id), author_id FROM posts WHERE token(author_id) > ? LIMIT ?")
_PROGRESS = sure_read("SELECT began_ms, position, is_done FROM media_index_progress WHERE id = 0 LIMIT 1")
_SET_PROGRESS = write("INSERT INTO media_index_progress (id, began_ms, position, is_done) VALUES (0, ?, ?, ?)")


def add_uses(post: PublishedPost) -> list[Step]:
    """Return the steps that note which media a post shows."""
    time = write_time(post.place)
    media_ids = dict.fromkeys(media_ids_in(post.manifest))
    return [(_ADD, (media_id, post.id.owner, post.place, time)) for media_id in media_ids]


def remove_uses(post: PublishedPost) -> list[Step]:
    """Return the steps that forget them again."""
    time = write_time(post.place) + 1
    media_ids = dict.fromkeys(media_ids_in(post.manifest))
    return [(_REMOVE, (time, media_id, post.id.owner, post.place)) for media_id in media_ids]


class MediaIndex:
    """Finds posts by their media."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def places(self, author_id: int, media_id: str, before_place: int, limit: int) -> Sequence[Place]:
        """Return the places of an author's posts that show a medium, newest first. Some may be gone."""
        rows = await self._cassandra.execute(_USES, media_id, author_id, before_place, limit)
        return [Place(author_id, place) for (place,) in rows]

    async def add(self, posts: Sequence[PublishedPost]) -> None:
        """Add posts of a former version. Repeatable, also beside their deletion."""
        for post in posts:
            if steps := add_uses(post):
                await self._cassandra.execute_batch(*steps)

    async def authors(self, position: int | None, limit: int) -> Sequence[tuple[int, int]]:
        """Return the next authors in token order, each with its position."""
        rows = await self._cassandra.execute(_AUTHORS, -(2**63) if position is None else position, limit)
        return [(token, author_id) for token, author_id in rows]

    async def progress(self) -> IndexProgress | None:
        """Return how far older posts were added."""
        rows = await self._cassandra.execute(_PROGRESS)
        return IndexProgress(*rows[0]) if rows else None

    async def set_progress(self, progress: IndexProgress) -> None:
        """Store how far older posts were added."""
        await self._cassandra.execute(_SET_PROGRESS, progress.began_ms, progress.position, progress.is_done)
