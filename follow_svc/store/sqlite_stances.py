"""StanceStore in SQLite."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from follow_svc.errors import BlockLimitError
from follow_svc.sight import Block, Stance, Standing, Visibility
from meshkit.events.outbox import OutboxRecord
from meshkit.events.sqlite_outbox import insert_records
from meshkit.ids import MAX_ID
from meshkit.sqlite import Database

# After every block.
_AFTER_ALL = Block(MAX_ID, MAX_ID)


class SqliteStances:
    """The blocks and standings of a FollowStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(
        self, user_id: int, other_id: int, blocked_ms: int, max_blocks: int, records: Sequence[OutboxRecord]
    ) -> bool:
        """Block an account unless it is blocked."""

        def work(connection: sqlite3.Connection) -> bool:
            if _is_blocked(connection, user_id, other_id):
                return False
            if _count(connection, user_id, max_blocks) >= max_blocks:
                raise BlockLimitError(max_blocks)
            connection.execute(
                "INSERT INTO stances (user_id, other_id, blocked_ms) VALUES (?, ?, ?)", (user_id, other_id, blocked_ms)
            )
            insert_records(connection, records)
            return True

        return await self._database.write(work)

    async def unblock(self, user_id: int, other_id: int) -> bool:
        """Unblock an account if it is blocked."""
        query = "DELETE FROM stances WHERE user_id = ? AND other_id = ?"
        return await self._database.write(
            lambda connection: connection.execute(query, (user_id, other_id)).rowcount > 0
        )

    async def get_stances(self, user_id: int, other_ids: Sequence[int]) -> Mapping[int, Stance]:
        """Return the blocks in both directions."""
        if not other_ids:
            return {}
        # Pass one JSON parameter: SQLite limits the number of parameters.
        wanted = json.dumps(list(other_ids))

        def work(connection: sqlite3.Connection) -> Mapping[int, Stance]:
            blocks, blocked_by = (
                {row[0] for row in connection.execute(query, (user_id, wanted))} for query in (_BLOCKED, _BLOCKERS)
            )
            return {other_id: Stance(other_id in blocks, other_id in blocked_by) for other_id in blocks | blocked_by}

        return await self._database.read(work)

    async def list_blocks(self, user_id: int, before: Block | None, limit: int) -> Sequence[Block]:
        """Return blocks before another one."""
        query = (
            "SELECT blocked_ms, other_id FROM stances WHERE user_id = ? AND (blocked_ms, other_id) < (?, ?)"
            " ORDER BY blocked_ms DESC, other_id DESC LIMIT ?"
        )
        return await self._database.read(
            lambda connection: [
                Block(*row) for row in connection.execute(query, (user_id, *(before or _AFTER_ALL), limit))
            ]
        )

    async def get_standings(self, user_ids: Sequence[int]) -> Mapping[int, Standing]:
        """Return the rows of accounts that have one."""
        return await self._database.read(lambda connection: standings(connection, user_ids))

    async def set_visibility(
        self, user_id: int, visibility: Visibility, events_of: Callable[[int], Sequence[OutboxRecord]]
    ) -> Sequence[OutboxRecord]:
        """Make an account private or public, unless it is."""

        def work(connection: sqlite3.Connection) -> Sequence[OutboxRecord]:
            standing = standings(connection, [user_id]).get(user_id, Standing())
            if standing.visibility is visibility:
                return []
            connection.execute(_SET_VISIBILITY, (user_id, visibility.value, standing.version + 1))
            records = events_of(standing.version + 1)
            insert_records(connection, records)
            return records

        return await self._database.write(work)


def standings(connection: sqlite3.Connection, user_ids: Sequence[int]) -> dict[int, Standing]:
    """Return the rows of accounts that have one."""
    query = "SELECT user_id, visibility, is_closed, version FROM standings WHERE user_id IN (SELECT value FROM json_each(?))"
    return {
        row[0]: Standing(Visibility(row[1]), bool(row[2]), row[3])
        for row in connection.execute(query, (json.dumps(list(user_ids)),))
    }


_SET_VISIBILITY = (
    "INSERT INTO standings (user_id, visibility, version) VALUES (?, ?, ?)"
    " ON CONFLICT (user_id) DO UPDATE SET visibility = excluded.visibility, version = excluded.version"
)


_BLOCKED = "SELECT other_id FROM stances WHERE user_id = ? AND other_id IN (SELECT value FROM json_each(?))"
_BLOCKERS = "SELECT user_id FROM stances WHERE other_id = ? AND user_id IN (SELECT value FROM json_each(?))"


def _is_blocked(connection: sqlite3.Connection, user_id: int, other_id: int) -> bool:
    query = "SELECT 1 FROM stances WHERE user_id = ? AND other_id = ?"
    return connection.execute(query, (user_id, other_id)).fetchone() is not None


def _count(connection: sqlite3.Connection, user_id: int, at_most: int) -> int:
    query = "SELECT count(*) FROM (SELECT 1 FROM stances WHERE user_id = ? LIMIT ?)"
    return int(connection.execute(query, (user_id, at_most)).fetchone()[0])
