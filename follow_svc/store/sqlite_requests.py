"""RequestStore in SQLite. A request is in a table of its own, so that no query of follows can find it."""

import sqlite3
from collections.abc import Sequence

from follow_svc.model import AddedFollow, Follow, FollowRequest
from follow_svc.store import sqlite_pairs as pairs
from follow_svc.store.sqlite_stances import SqliteStances
from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.ids import MAX_ID
from meshkit.sqlite import Database

# After every request.
_AFTER_ALL = FollowRequest(MAX_ID, MAX_ID)


class SqliteRequests(SqliteStances):
    """The follow requests of a FollowStore."""

    def __init__(self, database: Database, bucket_size: int) -> None:
        super().__init__(database)
        self._bucket_size = bucket_size

    async def get_request(self, follower_id: int, followee_id: int) -> FollowRequest | None:
        """Return the request of a pair."""
        found = await self._database.read(lambda connection: pairs.find_request(connection, follower_id, followee_id))
        return FollowRequest(found.created_ms, follower_id) if found else None

    async def accept_request(
        self,
        follower_id: int,
        followee_id: int,
        created_ms: int,
        records: Sequence[OutboxRecord],
        requested_ms: int | None = None,
    ) -> AddedFollow | None:
        """Turn a request into a follow if it exists."""

        def work(connection: sqlite3.Connection) -> AddedFollow | None:
            if follow := pairs.find_follow(connection, follower_id, followee_id):
                return AddedFollow(follow, is_new=False)
            asked = pairs.find_request(connection, follower_id, followee_id)
            if asked is None or requested_ms not in (None, asked.created_ms):
                return None
            follow = Follow(follower_id, followee_id, created_ms)
            pairs.begin_follow(connection, follow, self._bucket_size)
            insert_records(connection, records)
            return AddedFollow(follow, is_new=True)

        return await self._database.write(work)

    async def remove_request(self, follower_id: int, followee_id: int) -> bool:
        """Remove a request if it exists."""
        return await self._database.write(lambda connection: pairs.delete_request(connection, follower_id, followee_id))

    async def list_requests(self, user_id: int, before: FollowRequest | None, limit: int) -> Sequence[FollowRequest]:
        """Return requests before another one."""
        query = (
            "SELECT requested_ms, follower_id FROM follow_requests WHERE followee_id = ?"
            " AND (requested_ms, follower_id) < (?, ?) ORDER BY requested_ms DESC, follower_id DESC LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                FollowRequest(*row) for row in connection.execute(query, (user_id, *(before or _AFTER_ALL), limit))
            ]
        )

    async def write_events(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        await self._database.write(lambda connection: insert_records(connection, records))
