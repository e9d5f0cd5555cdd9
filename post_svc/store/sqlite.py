"""PostStore in SQLite. SQLite has one writer at a time, so every write method is atomic including its checks."""

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meshkit.events.outbox import MINUTE_MS, OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.idempotency import Claim
from meshkit.idempotency.sqlite_keys import SqliteKeys
from meshkit.ids import PublicId, first_id, id_millis
from meshkit.sqlite import Database
from post_svc.manifests import media_ids_in
from post_svc.model import LATE_MS, DeletedPost, IndexProgress, Medium, Place, PublishedPost, WaitingPost
from post_svc.store.port import DELETION_TTL_MS

MIGRATIONS = Path(__file__).parent / "migrations"
PAGE = 200
# SQLite has no TTL. Each insert deletes up to this many expired rows, so that the table stays bounded.
EXPIRE_AT_ONCE = 10
_POST = "SELECT author_id, place, post_id, caption, media FROM posts"


class SqlitePostStore:
    """Posts in one file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = SqliteKeys(database, "post_id")

    async def claim_key(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(author_id, key, claim)

    async def find(self, post: PublicId) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Look in the order of a post's life, so that a post that changes state meanwhile is still found."""
        return await self._database.read(
            lambda connection: _waiting(connection, post) or _published(connection, post) or _deleted(connection, post)
        )

    async def add_waiting(self, post: WaitingPost) -> bool:
        """Store a waiting post unless it exists."""
        return await self._database.write(lambda connection: _add_waiting(connection, post))

    async def claim_place(self, post: PublicId, proposed: int) -> int | None:
        """Claim a place by compare-and-set."""
        return await self._database.write(lambda connection: _claim_place(connection, post, proposed))

    async def publish(self, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
        """Publish a post once."""
        return await self._database.write(lambda connection: _publish(connection, post, records))

    async def withdraw(self, post: PublicId, deleted_at: int, records: Sequence[OutboxRecord] = ()) -> bool:
        """Delete a waiting post."""
        return await self._database.write(lambda connection: _withdraw(connection, post, deleted_at, records))

    async def delete(self, post: PublicId, place: int, deleted_at: int, records: Sequence[OutboxRecord]) -> bool:
        """Delete a post once."""
        return await self._database.write(lambda connection: _delete(connection, post, place, deleted_at, records))

    async def improve_medium(self, place: Place, medium: Medium) -> None:
        """Append the new version unless it is there."""
        await self._database.write(lambda connection: _improve_medium(connection, place, medium))

    async def list_posts(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Read a page of an author's timeline."""
        query = f"{_POST} WHERE author_id = ? AND place < ? ORDER BY place DESC LIMIT ?"
        return await self._database.read(
            lambda connection: [_post(row) for row in connection.execute(query, (author_id, before_place, limit))]
        )

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Read posts by key, in one hop to the thread."""
        return await self._database.read(
            lambda connection: {place: post for place in places if (post := _post_at(connection, place))}
        )

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Read the newest places of some authors, in one hop to the thread."""
        query = "SELECT place FROM posts WHERE author_id = ? AND place < ? ORDER BY place DESC LIMIT ?"
        return await self._database.read(
            lambda connection: {
                author_id: [place for (place,) in connection.execute(query, (author_id, before_place, limit))]
                for author_id in author_ids
            }
        )

    async def places_showing(self, author_id: int, media_id: str, before_place: int, limit: int) -> Sequence[Place]:
        """Read the index of media."""
        query = (
            "SELECT author_id, place FROM posts_by_medium WHERE media_id = ? AND author_id = ? AND place < ?"
            " ORDER BY place DESC LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                Place(*row) for row in connection.execute(query, (media_id, author_id, before_place, limit))
            ]
        )

    async def index_posts(self, posts: Sequence[PublishedPost]) -> None:
        """Add posts to the index of media, except deleted ones."""

        def work(connection: sqlite3.Connection) -> None:
            for post in posts:
                if _post_at(connection, Place(post.id.owner, post.place)):
                    _add_uses(connection, post)

        await self._database.write(work)

    async def authors_after(self, position: int | None, limit: int) -> Sequence[tuple[int, int]]:
        """Return the next authors by id."""
        query = "SELECT DISTINCT author_id FROM posts WHERE author_id > ? ORDER BY author_id LIMIT ?"
        after = -1 if position is None else position
        return await self._database.read(
            lambda connection: [(author, author) for (author,) in connection.execute(query, (after, limit))]
        )

    async def index_progress(self) -> IndexProgress | None:
        """Return how far older posts were indexed."""
        query = "SELECT began_ms, position, is_done FROM media_index_progress WHERE id = 0"
        row = await self._database.read(lambda connection: connection.execute(query).fetchone())
        return row and IndexProgress(row[0], row[1], bool(row[2]))

    async def set_index_progress(self, progress: IndexProgress) -> None:
        """Store how far older posts were indexed."""
        statement = "INSERT OR REPLACE INTO media_index_progress (id, began_ms, position, is_done) VALUES (0, ?, ?, ?)"
        values = (progress.began_ms, progress.position, progress.is_done)
        await self._database.write(lambda connection: connection.execute(statement, values))

    async def waiting_for(self, media_id: str) -> Sequence[PublicId]:
        """Return the posts that wait for a medium."""
        query = "SELECT post_id, author_id FROM pending_media WHERE media_id = ?"
        return await self._database.read(
            lambda connection: [PublicId(*row) for row in connection.execute(query, (media_id,))]
        )

    async def waiting_since(self, minute: int) -> AsyncIterator[PublicId]:
        """Read the waiting posts of a minute, page by page."""
        after = (first_id(minute * MINUTE_MS), -1)
        end = first_id((minute + 1) * MINUTE_MS)
        while page := await self._waiting_page(after, end):
            for post in page:
                yield post
            after = (page[-1].local, page[-1].owner)

    async def _waiting_page(self, after: tuple[int, int], end: int) -> list[PublicId]:
        query = (
            "SELECT post_id, author_id FROM pending_posts WHERE (post_id, author_id) > (?, ?) AND post_id < ?"
            " ORDER BY post_id, author_id LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [PublicId(*row) for row in connection.execute(query, (*after, end, PAGE))]
        )


def _add_waiting(connection: sqlite3.Connection, post: WaitingPost) -> bool:
    if _published(connection, post.id) or _deleted(connection, post.id):
        return False
    added = connection.execute(
        "INSERT OR IGNORE INTO pending_posts (author_id, post_id, caption, media_ids, place) VALUES (?, ?, ?, ?, ?)",
        (*_key(post.id), post.caption, json.dumps(post.media_ids), post.place),
    ).rowcount
    if not added:
        return False
    connection.executemany(
        "INSERT OR IGNORE INTO pending_media (media_id, author_id, post_id) VALUES (?, ?, ?)",
        [(media_id, *_key(post.id)) for media_id in post.media_ids],
    )
    return True


def _claim_place(connection: sqlite3.Connection, post: PublicId, proposed: int) -> int | None:
    connection.execute(
        "UPDATE pending_posts SET place = ? WHERE author_id = ? AND post_id = ? AND (place IS NULL OR place < ?)",
        (proposed, *_key(post), first_id(id_millis(proposed) - LATE_MS)),
    )
    waiting = _waiting(connection, post)
    return None if waiting is None else waiting.place


def _publish(connection: sqlite3.Connection, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
    if _published(connection, post.id) or _deleted(connection, post.id):
        return False
    waiting = _waiting(connection, post.id)
    if waiting is not None and waiting.place != post.place:
        return False
    connection.execute(
        "INSERT INTO posts (author_id, place, post_id, caption, media) VALUES (?, ?, ?, ?, ?)",
        (post.id.owner, post.place, post.id.local, post.caption, post.manifest),
    )
    if post.place != post.id.local:
        connection.execute(
            "INSERT INTO post_places (author_id, post_id, place) VALUES (?, ?, ?)", (*_key(post.id), post.place)
        )
    _add_uses(connection, post)
    _end_waiting(connection, post.id)
    insert_records(connection, records)
    return True


def _add_uses(connection: sqlite3.Connection, post: PublishedPost) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO posts_by_medium (media_id, author_id, place) VALUES (?, ?, ?)",
        [(media_id, post.id.owner, post.place) for media_id in media_ids_in(post.manifest)],
    )


def _withdraw(connection: sqlite3.Connection, post: PublicId, deleted_at: int, records: Sequence[OutboxRecord]) -> bool:
    waiting = _waiting(connection, post)
    if waiting is None or waiting.place is not None:
        return False
    _end_waiting(connection, post)
    insert_records(connection, records)
    return _mark_deleted(connection, post, None, deleted_at)


def _delete(
    connection: sqlite3.Connection, post: PublicId, place: int, deleted_at: int, records: Sequence[OutboxRecord]
) -> bool:
    if not _mark_deleted(connection, post, place, deleted_at):
        return False
    connection.execute("DELETE FROM posts WHERE author_id = ? AND place = ?", (post.owner, place))
    connection.execute("DELETE FROM post_places WHERE author_id = ? AND post_id = ?", _key(post))
    connection.execute("DELETE FROM posts_by_medium WHERE author_id = ? AND place = ?", (post.owner, place))
    _end_waiting(connection, post)
    insert_records(connection, records)
    return True


def _improve_medium(connection: sqlite3.Connection, place: Place, medium: Medium) -> None:
    post = _post_at(connection, place)
    if post is not None and medium.encoded not in post.manifest:
        connection.execute(
            "UPDATE posts SET media = ? WHERE author_id = ? AND place = ?",
            (post.manifest + medium.encoded, place.author_id, place.place),
        )


def _mark_deleted(connection: sqlite3.Connection, post: PublicId, place: int | None, deleted_at: int) -> bool:
    connection.execute(
        "DELETE FROM deleted_posts WHERE (author_id, post_id) IN"
        " (SELECT author_id, post_id FROM deleted_posts WHERE deleted_at <= ? LIMIT ?)",
        (deleted_at - DELETION_TTL_MS, EXPIRE_AT_ONCE),
    )
    cursor = connection.execute(
        "INSERT OR IGNORE INTO deleted_posts (author_id, post_id, place, deleted_at) VALUES (?, ?, ?, ?)",
        (*_key(post), place, deleted_at),
    )
    return cursor.rowcount > 0


def _end_waiting(connection: sqlite3.Connection, post: PublicId) -> None:
    connection.execute("DELETE FROM pending_posts WHERE author_id = ? AND post_id = ?", _key(post))
    connection.execute("DELETE FROM pending_media WHERE author_id = ? AND post_id = ?", _key(post))


def _waiting(connection: sqlite3.Connection, post: PublicId) -> WaitingPost | None:
    query = "SELECT caption, media_ids, place FROM pending_posts WHERE author_id = ? AND post_id = ?"
    row = connection.execute(query, _key(post)).fetchone()
    return row and WaitingPost(post, row[0], tuple(json.loads(row[1])), row[2])


def _published(connection: sqlite3.Connection, post: PublicId) -> PublishedPost | None:
    query = "SELECT place FROM post_places WHERE author_id = ? AND post_id = ?"
    (place,) = connection.execute(query, _key(post)).fetchone() or (post.local,)
    found = _post_at(connection, Place(post.owner, place))
    # A post that waited is stored at a place that is not its id, and must not be found by that place.
    return found if found is not None and found.id == post else None


def _deleted(connection: sqlite3.Connection, post: PublicId) -> DeletedPost | None:
    query = "SELECT 1 FROM deleted_posts WHERE author_id = ? AND post_id = ?"
    return DeletedPost(post) if connection.execute(query, _key(post)).fetchone() else None


def _post_at(connection: sqlite3.Connection, place: Place) -> PublishedPost | None:
    query = f"{_POST} WHERE author_id = ? AND place = ?"
    row = connection.execute(query, (place.author_id, place.place)).fetchone()
    return row and _post(row)


def _post(row: Any) -> PublishedPost:
    author_id, place, post_id, caption, media = row
    return PublishedPost(PublicId(post_id, author_id), place, caption, media)


def _key(post: PublicId) -> tuple[int, int]:
    return post.owner, post.local
