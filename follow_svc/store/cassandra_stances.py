"""StanceStore in Cassandra.

A block is two rows of `stances`, one in the partition of each account, written by one logged batch with one write time. So a
crash never leaves one side alone. No lightweight transaction is needed: only the blocker changes a block, and the latest change
wins. A change takes a write time after the one that it has read, whatever the clock of its process says. That is why the end of a
block keeps its row for an hour. The visibility of an account changes in the same way; its version is the write time.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from follow_svc.errors import BlockLimitError
from follow_svc.sight import MAX_BLOCKS, Block, Stance, Standing, Visibility
from meshkit.cassandra import Cassandra, Step, sure_read, write, write_with_events
from meshkit.events.outbox import OutboxRecord

# The sides of a block, as seen from the account whose partition has the row.
BLOCKS, BLOCKED_BY = 0, 1
# Clocks differ by a minute at most.
ENDED_SECONDS = 3_600
PAGE = 2_000
# Concurrent blocks may exceed the limit by a few, and ended ones stay for a while.
_ALL_BLOCKS = 2 * MAX_BLOCKS
# Below every id.
_BEFORE_ALL = -1
_ONE = sure_read(
    "SELECT is_ended, WRITETIME(is_ended) FROM stances WHERE user_id = ? AND side = ? AND other_id = ? LIMIT 1"
)
_BETWEEN = sure_read(
    "SELECT side, other_id, is_ended FROM stances WHERE user_id = ? AND side IN ? AND other_id IN ? LIMIT ?"
)
_BLOCKED = sure_read(
    "SELECT other_id, blocked_ms, is_ended FROM stances WHERE user_id = ? AND side = ? AND other_id > ? LIMIT ?"
)
_BEGIN = write(
    "INSERT INTO stances (user_id, side, other_id, blocked_ms, is_ended) VALUES (?, ?, ?, ?, false) USING TIMESTAMP ?"
)
_END = write(
    "INSERT INTO stances (user_id, side, other_id, blocked_ms, is_ended) VALUES (?, ?, ?, null, true)"  # noqa: S608 - a constant
    f" USING TIMESTAMP ? AND TTL {ENDED_SECONDS}"
)
_STANDINGS = sure_read("SELECT user_id, visibility, is_closed, version FROM standings WHERE user_id IN ? LIMIT ?")
_SET_VISIBILITY = write("INSERT INTO standings (user_id, visibility, version) VALUES (?, ?, ?) USING TIMESTAMP ?")


class CassandraStances:
    """The blocks and standings of a FollowStore."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def block(
        self, user_id: int, other_id: int, blocked_ms: int, max_blocks: int, records: Sequence[OutboxRecord]
    ) -> bool:
        """Block an account unless it is blocked."""
        is_blocked, at = await self._read(user_id, other_id)
        if is_blocked:
            return False
        if len(await self._blocks(user_id, max_blocks)) >= max_blocks:
            raise BlockLimitError(max_blocks)
        steps: list[Step] = [(_BEGIN, (*row, blocked_ms, at)) for row in _rows(user_id, other_id)]
        await write_with_events(self._cassandra, steps, records)
        return True

    async def unblock(self, user_id: int, other_id: int) -> bool:
        """Unblock an account if it is blocked."""
        is_blocked, at = await self._read(user_id, other_id)
        if is_blocked:
            await self._cassandra.execute_batch(*((_END, (*row, at)) for row in _rows(user_id, other_id)))
        return is_blocked

    async def get_stances(self, user_id: int, other_ids: Sequence[int]) -> Mapping[int, Stance]:
        """Return the blocks in both directions. All are in one partition."""
        wanted = list(set(other_ids))
        if not wanted:
            return {}
        sides = [BLOCKS, BLOCKED_BY]
        rows = await self._cassandra.execute(_BETWEEN, user_id, sides, wanted, len(sides) * len(wanted))
        standing = {(side, other_id) for side, other_id, is_ended in rows if is_ended is False}
        others = {other_id for _, other_id in standing}
        return {
            other_id: Stance((BLOCKS, other_id) in standing, (BLOCKED_BY, other_id) in standing) for other_id in others
        }

    async def list_blocks(self, user_id: int, before: Block | None, limit: int) -> Sequence[Block]:
        """Return blocks before another one. Reads and sorts all of an account's blocks."""
        blocks = sorted(await self._blocks(user_id, _ALL_BLOCKS), reverse=True)
        return [block for block in blocks if before is None or block < before][:limit]

    async def get_standings(self, user_ids: Sequence[int]) -> Mapping[int, Standing]:
        """Return the rows of accounts that have one."""
        wanted = list(set(user_ids))
        if not wanted:
            return {}
        rows = await self._cassandra.execute(_STANDINGS, wanted, len(wanted))
        return {
            user_id: Standing(Visibility(visibility or Visibility.PUBLIC), bool(is_closed), version or 0)
            for user_id, visibility, is_closed, version in rows
        }

    async def set_visibility(
        self, user_id: int, visibility: Visibility, events_of: Callable[[int], Sequence[OutboxRecord]]
    ) -> Sequence[OutboxRecord]:
        """Make an account private or public, unless it is. The version is the write time."""
        standing = (await self.get_standings([user_id])).get(user_id, Standing())
        if standing.visibility is visibility:
            return []
        version = max(time.time_ns() // 1_000, standing.version + 1)
        records = events_of(version)
        step: Step = (_SET_VISIBILITY, (user_id, visibility.value, version, version))
        await write_with_events(self._cassandra, [step], records)
        return records

    async def _read(self, user_id: int, other_id: int) -> tuple[bool, int]:
        """Return whether the account blocks another, and the write time of a change of that."""
        rows = await self._cassandra.execute(_ONE, user_id, BLOCKS, other_id)
        is_ended, last = rows[0] if rows else (None, None)
        return is_ended is False, max(time.time_ns() // 1_000, (last or 0) + 1)

    async def _blocks(self, user_id: int, limit: int) -> list[Block]:
        above = _BEFORE_ALL
        found: list[Block] = []
        while len(found) < limit:
            page = await self._cassandra.execute(_BLOCKED, user_id, BLOCKS, above, PAGE)
            found += [Block(blocked_ms, other_id) for other_id, blocked_ms, is_ended in page if is_ended is False]
            if len(page) < PAGE:
                break
            above = page[-1][0]
        return found[:limit]


def _rows(user_id: int, other_id: int) -> tuple[tuple[int, int, int], ...]:
    """Return the keys of both rows of a block."""
    return (user_id, BLOCKS, other_id), (other_id, BLOCKED_BY, user_id)
