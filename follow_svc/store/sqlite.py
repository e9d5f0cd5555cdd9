"""FollowStore in SQLite. Each write is one transaction, including its events."""

import json
import sqlite3
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from follow_svc.errors import FollowLimitError, NotFollowingError
from follow_svc.model import (
    FOLLOWER_BUCKET_SIZE,
    MAX_REQUESTS,
    AddedFollow,
    Follow,
    FollowCounts,
    Follower,
    FollowState,
    Mute,
)
from follow_svc.store import sqlite_pairs as pairs
from follow_svc.store.sqlite_requests import SqliteRequests
from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.ids import MAX_ID
from meshkit.sqlite import Database

MIGRATIONS = Path(__file__).parent / "migrations"
# Below every id and every bucket.
_BEFORE_ALL = -1
# After every mute.
_AFTER_ALL = Mute(MAX_ID, MAX_ID)


class SqliteFollowStore(SqliteRequests):
    """FollowStore over a database with `MIGRATIONS` and the outbox migrations applied."""

    def __init__(self, database: Database, bucket_size: int = FOLLOWER_BUCKET_SIZE) -> None:
        super().__init__(database, bucket_size)

    async def add_follow(
        self,
        follow: Follow,
        max_followees: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
        max_requests: int = MAX_REQUESTS,
    ) -> AddedFollow:
        """Add a follow, or a request if the followee is private, unless the pair exists."""
        pair = follow.follower_id, follow.followee_id

        def work(connection: sqlite3.Connection) -> AddedFollow:
            first = pairs.find_follow(connection, *pair)
            asked = pairs.find_request(connection, *pair)
            is_private = pairs.is_private(connection, follow.followee_id)
            if found := first or (asked if is_private else None):
                return AddedFollow(found, is_new=False)
            if not asked and pairs.count_of_follower(connection, follow.follower_id) >= max_followees:
                raise FollowLimitError(max_followees)
            if is_private:
                request = replace(follow, state=FollowState.REQUESTED)
                pairs.begin_request(connection, request, max_requests)
                insert_records(connection, if_requested)
                return AddedFollow(request, is_new=True)
            pairs.begin_follow(connection, follow, self._bucket_size)
            insert_records(connection, records)
            return AddedFollow(follow, is_new=True)

        return await self._database.write(work)

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow or a request if it exists."""

        def work(connection: sqlite3.Connection) -> bool:
            pairs.delete_request(connection, follower_id, followee_id)
            if not pairs.delete_follow(connection, follower_id, followee_id):
                return False
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
        self,
        follower_id: int,
        followee_id: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
    ) -> Follow | None:
        """Return the follow or the request of a pair. Transactions never leave one half done."""
        del records, if_requested

        def work(connection: sqlite3.Connection) -> Follow | None:
            if follow := pairs.find_follow(connection, follower_id, followee_id):
                return follow
            asked = pairs.find_request(connection, follower_id, followee_id)
            return asked if asked and pairs.is_private(connection, followee_id) else None

        return await self._database.read(work)

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair."""
        return await self._database.read(lambda connection: pairs.find_follow(connection, follower_id, followee_id))

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts."""
        return await self._database.read(lambda connection: pairs.counts(connection, user_id))

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
            follow = pairs.find_follow(connection, follower_id, followee_id)
            if follow is None:
                return None
            if follow.is_muted == (muted_ms is not None):
                return False
            pairs.set_muted(connection, follow, muted_ms)
            insert_records(connection, records)
            return True

        return await self._database.write(work)

    async def _ids(self, query: str, *parameters: object) -> list[int]:
        return await self._database.read(lambda connection: [row[0] for row in connection.execute(query, parameters)])
