"""FollowStore in SQLite. Each write is one transaction, including its events."""

import json
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from follow_svc.errors import FollowLimitError, NotFollowingError
from follow_svc.model import FOLLOWER_BUCKET_SIZE, AddedFollow, Follow, FollowCounts, Follower, Mute, bucket_of
from follow_svc.store.sqlite_stances import SqliteStances
from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.ids import MAX_ID, new_id
from meshkit.sqlite import Database

MIGRATIONS = Path(__file__).parent / "migrations"
# Below every id and every bucket.
_BEFORE_ALL = -1
# After every mute.
_AFTER_ALL = Mute(MAX_ID, MAX_ID)


class SqliteFollowStore(SqliteStances):
    """FollowStore over a database with `MIGRATIONS` and the outbox migrations applied."""

    def __init__(self, database: Database, bucket_size: int = FOLLOWER_BUCKET_SIZE) -> None:
        super().__init__(database)
        self._bucket_size = bucket_size

    async def add_follow(self, follow: Follow, max_followees: int, records: Sequence[OutboxRecord]) -> AddedFollow:
        """Add a follow unless it exists."""

        def work(connection: sqlite3.Connection) -> AddedFollow:
            if first := _follow(connection, follow.follower_id, follow.followee_id):
                return AddedFollow(first, is_new=False)
            if _counts(connection, follow.follower_id).following >= max_followees:
                raise FollowLimitError(max_followees)
            bucket = bucket_of(_counts(connection, follow.followee_id).followers, self._bucket_size)
            _insert(connection, follow, bucket)
            _count(connection, follow.follower_id, follow.followee_id, 1)
            insert_records(connection, records)
            return AddedFollow(follow, is_new=True)

        return await self._database.write(work)

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow if it exists."""

        def work(connection: sqlite3.Connection) -> bool:
            if not _delete(connection, follower_id, followee_id):
                return False
            _cut(connection, follower_id)
            _count(connection, follower_id, followee_id, -1)
            insert_records(connection, records)
            return True

        return await self._database.write(work)

    async def mute(self, follower_id: int, followee_id: int, muted_ms: int, records: Sequence[OutboxRecord]) -> bool:
        """Mute a followee unless it is muted."""
        is_changed = await self._set_muted(follower_id, followee_id, muted_ms, records)
        if is_changed is None:
            raise NotFollowingError
        return is_changed

    async def unmute(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Unmute a followee if it is muted."""
        return bool(await self._set_muted(follower_id, followee_id, None, records))

    async def confirm_follow(
        self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]
    ) -> Follow | None:
        """Return the follow of a pair. Transactions never leave one half done."""
        del records
        return await self.get_follow(follower_id, followee_id)

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair."""
        return await self._database.read(lambda connection: _follow(connection, follower_id, followee_id))

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts."""
        return await self._database.read(lambda connection: _counts(connection, user_id))

    async def get_follower_count(self, user_id: int) -> int | None:
        """Return an account's follower count, if it has one."""
        query = "SELECT followers FROM follow_counts WHERE user_id = ?"
        return await self._database.read(
            lambda connection: next((row[0] for row in connection.execute(query, (user_id,))), None)
        )

    async def list_followers(self, user_id: int, after: Follower | None, limit: int) -> Sequence[Follower]:
        """Return followers after a place."""
        bucket, follower_id = after.place if after else (_BEFORE_ALL, _BEFORE_ALL)
        query = (
            "SELECT bucket, follower_id, is_muted FROM followers WHERE followee_id = ? AND (bucket, follower_id) > (?, ?)"
            " ORDER BY bucket, follower_id LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                Follower(row[0], row[1], bool(row[2]))
                for row in connection.execute(query, (user_id, bucket, follower_id, limit))
            ]
        )

    async def list_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return followees after an id."""
        query = "SELECT followee_id FROM follows WHERE follower_id = ? AND followee_id > ? ORDER BY followee_id LIMIT ?"
        return await self._ids(query, user_id, _BEFORE_ALL if after is None else after, limit)

    async def list_unmuted_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return followees after an id, without those that are muted."""
        query = (
            "SELECT followee_id FROM follows WHERE follower_id = ? AND followee_id > ? AND muted_ms IS NULL"
            " ORDER BY followee_id LIMIT ?"
        )
        return await self._ids(query, user_id, _BEFORE_ALL if after is None else after, limit)

    async def get_last_cut(self, follower_id: int) -> int:
        """Return the last cut, or 0."""
        return next(iter(await self._ids("SELECT last_cut FROM cuts WHERE follower_id = ?", follower_id)), 0)

    async def list_mutes(self, user_id: int, before: Mute | None, limit: int) -> Sequence[Mute]:
        """Return mutes before another one."""
        query = (
            "SELECT muted_ms, followee_id FROM follows WHERE follower_id = ? AND muted_ms IS NOT NULL"
            " AND (muted_ms, followee_id) < (?, ?) ORDER BY muted_ms DESC, followee_id DESC LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                Mute(*row) for row in connection.execute(query, (user_id, *(before or _AFTER_ALL), limit))
            ]
        )

    async def filter_unmuted(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return those that are followed and not muted."""
        query = (
            "SELECT followee_id FROM follows WHERE follower_id = ? AND muted_ms IS NULL"
            " AND followee_id IN (SELECT value FROM json_each(?))"
        )
        # Pass one JSON parameter: SQLite limits the number of parameters.
        wanted = json.dumps(list(followee_ids))
        return set(await self._ids(query, follower_id, wanted))

    async def filter_followees(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return those that are followed."""
        query = (
            "SELECT followee_id FROM follows WHERE follower_id = ? AND followee_id IN (SELECT value FROM json_each(?))"
        )
        return set(await self._ids(query, follower_id, json.dumps(list(followee_ids))))

    async def _set_muted(
        self, follower_id: int, followee_id: int, muted_ms: int | None, records: Sequence[OutboxRecord]
    ) -> bool | None:
        """Mute since `muted_ms`, or unmute (None). Returns whether that changed anything, or None if there is no such follow."""

        def work(connection: sqlite3.Connection) -> bool | None:
            follow = _follow(connection, follower_id, followee_id)
            if follow is None:
                return None
            if follow.is_muted == (muted_ms is not None):
                return False
            _set_muted(connection, follow, muted_ms)
            if muted_ms is not None:
                _cut(connection, follower_id)
            insert_records(connection, records)
            return True

        return await self._database.write(work)

    async def _ids(self, query: str, *parameters: object) -> list[int]:
        return await self._database.read(lambda connection: [row[0] for row in connection.execute(query, parameters)])


def _follow(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> Follow | None:
    row = connection.execute(
        "SELECT created_ms, muted_ms IS NOT NULL FROM follows WHERE follower_id = ? AND followee_id = ?",
        (follower_id, followee_id),
    ).fetchone()
    return row and Follow(follower_id, followee_id, row[0], bool(row[1]))


def _counts(connection: sqlite3.Connection, user_id: int) -> FollowCounts:
    row = connection.execute("SELECT followers, following FROM follow_counts WHERE user_id = ?", (user_id,)).fetchone()
    return FollowCounts(*row) if row else FollowCounts()


def _insert(connection: sqlite3.Connection, follow: Follow, bucket: int) -> None:
    connection.execute(
        "INSERT INTO follows (follower_id, followee_id, bucket, created_ms) VALUES (?, ?, ?, ?)",
        (follow.follower_id, follow.followee_id, bucket, follow.created_ms),
    )
    connection.execute(
        "INSERT INTO followers (followee_id, bucket, follower_id) VALUES (?, ?, ?)",
        (follow.followee_id, bucket, follow.follower_id),
    )


def _set_muted(connection: sqlite3.Connection, follow: Follow, muted_ms: int | None) -> None:
    [bucket] = connection.execute(
        "UPDATE follows SET muted_ms = ? WHERE follower_id = ? AND followee_id = ? RETURNING bucket",
        (muted_ms, follow.follower_id, follow.followee_id),
    ).fetchone()
    connection.execute(
        "UPDATE followers SET is_muted = ? WHERE followee_id = ? AND bucket = ? AND follower_id = ?",
        (muted_ms is not None, follow.followee_id, bucket, follow.follower_id),
    )


def _delete(connection: sqlite3.Connection, follower_id: int, followee_id: int) -> bool:
    row = connection.execute(
        "DELETE FROM follows WHERE follower_id = ? AND followee_id = ? RETURNING bucket", (follower_id, followee_id)
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        "DELETE FROM followers WHERE followee_id = ? AND bucket = ? AND follower_id = ?",
        (followee_id, row[0], follower_id),
    )
    return True


def _cut(connection: sqlite3.Connection, follower_id: int) -> None:
    connection.execute("INSERT OR REPLACE INTO cuts (follower_id, last_cut) VALUES (?, ?)", (follower_id, new_id()))


def _count(connection: sqlite3.Connection, follower_id: int, followee_id: int, change: int) -> None:
    for user_id, followers, following in ((followee_id, change, 0), (follower_id, 0, change)):
        connection.execute("INSERT OR IGNORE INTO follow_counts (user_id) VALUES (?)", (user_id,))
        connection.execute(
            "UPDATE follow_counts SET followers = followers + ?, following = following + ? WHERE user_id = ?",
            (followers, following, user_id),
        )
