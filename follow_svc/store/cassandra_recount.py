"""Reads the whole graph in Cassandra by token, for a recount."""

from collections.abc import Sequence
from typing import Any

from follow_svc.store.cassandra import CassandraFollowStore
from follow_svc.store.pair_changes import PairChanges
from follow_svc.store.pair_state import COLUMNS, Pair, PairEvents, PairState
from follow_svc.store.recount_port import FIRST_POSITION, HalfDone, Progress, Side, UserPage, Walk
from meshkit.cassandra import Cassandra, claim, serial_read, sure_read, write
from meshkit.events.outbox import OutboxRecord

# How many of a follower's pairs one read returns.
PAIRS = 500
# The only reads without a partition key. Each continues from a token and fetches one page.
_USERS = {
    Walk.FOLLOWS: sure_read(
        "SELECT DISTINCT token(follower_id), follower_id FROM follows WHERE token(follower_id) > ? LIMIT ?"
    ),
    Walk.FOLLOWERS: sure_read(
        "SELECT DISTINCT token(followee_id, bucket), followee_id, bucket FROM followers"
        " WHERE token(followee_id, bucket) > ? LIMIT ?"
    ),
    Walk.COUNTS: sure_read("SELECT token(user_id), user_id FROM follow_counts WHERE token(user_id) > ? LIMIT ?"),
}
_PAIRS = sure_read(
    f"SELECT followee_id, {COLUMNS} FROM follows WHERE follower_id = ? AND followee_id > ? LIMIT ?"  # noqa: S608 - a constant
)
_COUNTS = {
    Side.FOLLOWERS: sure_read("SELECT followers FROM follow_counts WHERE user_id = ? LIMIT 1"),
    Side.FOLLOWING: sure_read("SELECT following FROM follow_counts WHERE user_id = ? LIMIT 1"),
}
_ADDS = {
    Side.FOLLOWERS: write("UPDATE follow_counts SET followers = followers + ? WHERE user_id = ?", is_idempotent=False),
    Side.FOLLOWING: write("UPDATE follow_counts SET following = following + ? WHERE user_id = ?", is_idempotent=False),
}
_FIRST_RUN = claim("INSERT INTO recount_progress (id, run, walk, position) VALUES (0, ?, ?, ?) IF NOT EXISTS")
_TAKE_OVER = claim("UPDATE recount_progress SET run = ? WHERE id = 0 IF EXISTS")
_RECORD = claim("UPDATE recount_progress SET walk = ?, position = ? WHERE id = 0 IF run = ?")
_PROGRESS = serial_read("SELECT walk, position FROM recount_progress WHERE id = 0 LIMIT 1")


class CassandraRecountStore:
    """RecountStore over the graph's keyspace."""

    def __init__(self, cassandra: Cassandra, follows: CassandraFollowStore) -> None:
        self._cassandra = cassandra
        self._follows = follows
        self._pairs = PairChanges(cassandra)

    async def take_over(self, run: int) -> Progress:
        """Make `run` the current run."""
        if not _is_applied(await self._cassandra.execute(_FIRST_RUN, run, Walk.FOLLOWS.value, FIRST_POSITION)):
            await self._cassandra.execute(_TAKE_OVER, run)
        walk, position = (await self._cassandra.execute(_PROGRESS))[0]
        return Progress(Walk(walk), position)

    async def record_progress(self, run: int, progress: Progress) -> bool:
        """Store a run's progress unless another run has taken over."""
        return _is_applied(await self._cassandra.execute(_RECORD, progress.walk.value, progress.position, run))

    async def list_users(self, walk: Walk, after: int, limit: int) -> UserPage:
        """Return the next accounts in token order."""
        rows = await self._cassandra.execute(_USERS[walk], after, limit)
        users = [user_id for _, user_id, *bucket in rows if not bucket or await self._is_first(user_id, bucket[0])]
        return UserPage(users, rows[-1][0] if len(rows) == limit else None)

    async def list_half_done(self, follower_id: int, before_us: int) -> Sequence[HalfDone]:
        """Return a follower's unfinished pairs."""
        found: list[HalfDone] = []
        above = -1
        while True:
            rows = await self._cassandra.execute(_PAIRS, follower_id, above, PAIRS)
            for followee_id, *columns in rows:
                pair, decided = Pair(follower_id, followee_id), PairState.of_row(columns)
                if decided and decided.at < before_us and not await self._pairs.is_complete(pair, decided):
                    found.append(HalfDone(*pair, decided.is_ended))
            if len(rows) < PAIRS:
                return found
            above = rows[-1][0]

    async def complete(
        self, half_done: HalfDone, records: Sequence[OutboxRecord], if_requested: Sequence[OutboxRecord] = ()
    ) -> None:
        """Finish a pair's decided change, unless it has changed meanwhile."""
        pair = Pair(half_done.follower_id, half_done.followee_id)
        found = await self._pairs.read_serially(pair)
        if found is not None and found.is_ended == half_done.is_ended:
            await self._follows.complete_pair(pair, found, PairEvents(records, if_requested))

    async def read_count(self, side: Side, user_id: int) -> int:
        """Return a count as stored."""
        rows = await self._cassandra.execute(_COUNTS[side], user_id)
        return int(rows[0][0] or 0) if rows else 0

    async def add_count(self, side: Side, user_id: int, difference: int) -> None:
        """Add to a count."""
        await self._cassandra.execute(_ADDS[side], difference, user_id)

    async def _is_first(self, user_id: int, bucket: int) -> bool:
        """Return whether this is the first bucket with followers. An account is listed once, with that bucket."""
        if bucket == 0:
            return True
        first = await self._follows.list_followers(user_id, None, 1)
        return bool(first) and first[0].bucket == bucket


def _is_applied(rows: list[tuple[Any, ...]]) -> bool:
    return bool(rows[0][0])
