"""FollowStore in Cassandra. `pair_changes.py` explains how a pair changes."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import structlog

from follow_svc.errors import FollowLimitError, NotFollowingError
from follow_svc.model import FOLLOWER_BUCKET_SIZE, AddedFollow, Follow, FollowCounts, bucket_of
from follow_svc.store.cassandra_lists import CassandraLists
from follow_svc.store.cassandra_stances import CassandraStances
from follow_svc.store.pair_changes import Pair, PairChanges, PairState
from follow_svc.store.turns import Turns
from meshkit.call import CURRENT, current_call
from meshkit.cassandra import Cassandra, sure_read, write
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id

MIGRATIONS = Path(__file__).parent / "migrations"
# Counters may be off by a little: this close to the limit, count the rows.
COUNT_SLACK = 200
# A change that loses a race is retried after a random wait of up to this many seconds.
ATTEMPTS, BACKOFF_SECONDS = 8, 0.2
# How long a caller waits for the counts. A dead node can hold counting up for seconds; it then finishes in the background.
COUNT_WAIT_SECONDS = 1.0
# How long a stopping process waits for changes in progress.
DRAIN_SECONDS = 10.0
# Counts decide who is a celebrity, and when the followees themselves are counted.
_COUNTS = sure_read("SELECT followers, following FROM follow_counts WHERE user_id = ? LIMIT 1")
_COUNT_FOLLOWER = write("UPDATE follow_counts SET followers = followers + ? WHERE user_id = ?", is_idempotent=False)
_COUNT_FOLLOWEE = write("UPDATE follow_counts SET following = following + ? WHERE user_id = ?", is_idempotent=False)
_begin_before: ContextVar[float | None] = ContextVar("follow_begin_before", default=None)
_log = structlog.get_logger()
T = TypeVar("T")


class CassandraFollowStore(CassandraLists, CassandraStances):
    """FollowStore over a keyspace with `MIGRATIONS` and the outbox migrations applied."""

    def __init__(self, cassandra: Cassandra, bucket_size: int = FOLLOWER_BUCKET_SIZE) -> None:
        super().__init__(cassandra)
        self._bucket_size = bucket_size
        self._pairs = PairChanges(cassandra)
        self._turns = Turns()
        self._changes: set[asyncio.Task[Any]] = set()

    async def drain(self) -> None:
        """Wait for changes whose callers have gone, but not without end: the next one to touch a pair finishes its change."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_SECONDS
        while self._changes and loop.time() < end:
            await asyncio.wait(self._changes, timeout=end - loop.time())
        for task in self._changes:
            task.cancel()
        await asyncio.gather(*self._changes, return_exceptions=True)

    async def add_follow(self, follow: Follow, max_followees: int, records: Sequence[OutboxRecord]) -> AddedFollow:
        """Add a follow unless it exists."""
        return await self._run_to_end(follow.follower_id, lambda: self._add(follow, max_followees, records))

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow if it exists."""
        return await self._run_to_end(follower_id, lambda: self._remove(Pair(follower_id, followee_id), records))

    async def mute(self, follower_id: int, followee_id: int, muted_ms: int, records: Sequence[OutboxRecord]) -> bool:
        """Mute a followee unless it is muted."""
        pair = Pair(follower_id, followee_id)
        is_changed = await self._run_to_end(follower_id, lambda: self._set_muted(pair, muted_ms, records))
        if is_changed is None:
            raise NotFollowingError
        return is_changed

    async def unmute(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Unmute a followee if it is muted."""
        pair = Pair(follower_id, followee_id)
        return bool(await self._run_to_end(follower_id, lambda: self._set_muted(pair, None, records)))

    async def confirm_follow(
        self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]
    ) -> Follow | None:
        """Return the follow of a pair, and finish it if a crash interrupted it."""
        return await self._run_to_end(follower_id, lambda: self._confirm(Pair(follower_id, followee_id), records))

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair."""
        pair = Pair(follower_id, followee_id)
        found = await self._pairs.read(pair)
        return found.follow_of(pair) if found and not found.is_ended else None

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return FollowCounts(*(max(count or 0, 0) for count in rows[0])) if rows else FollowCounts()

    async def get_follower_count(self, user_id: int) -> int | None:
        """Return an account's follower count, if it has one."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return max(rows[0][0], 0) if rows and rows[0][0] is not None else None

    async def _add(self, follow: Follow, max_followees: int, records: Sequence[OutboxRecord]) -> AddedFollow:
        pair, change = Pair(follow.follower_id, follow.followee_id), new_id()
        for _ in range(ATTEMPTS):
            found = await self._pairs.read(pair)
            is_mine = found is not None and found.change == change  # the answer was lost
            if found is None:
                found, is_mine = await self._begin(follow, max_followees, change, records)
            if is_mine:
                # If the row names another change by now, somebody has completed ours and moved on.
                if found is not None and found.change == change:
                    await self._pairs.settle(pair, found, records)
                await self._count(pair, 1)
                return AddedFollow(follow, is_new=True)
            if found is not None and not found.is_ended:
                await self._pairs.repair(pair, found, records)
                return AddedFollow(found.follow_of(pair), is_new=False)
            if found is not None:
                # Events that are too old to be written are dropped: the new follow supersedes them.
                await self._pairs.settle(pair, found, [])
            await _back_off()
        raise UnavailableError

    async def _begin(
        self, follow: Follow, max_followees: int, change: int, records: Sequence[OutboxRecord]
    ) -> tuple[PairState | None, bool]:
        """Try to create the follow. Returns the current row, and whether this change created it."""
        pair = Pair(follow.follower_id, follow.followee_id)
        if not await self._has_room(follow.follower_id, max_followees):
            found = await self._pairs.read_serially(pair)
            if found is None:
                raise FollowLimitError(max_followees)
            return found, False
        bucket = bucket_of((await self.get_counts(follow.followee_id)).followers, self._bucket_size)
        _refuse_if_late()
        is_applied = await self._pairs.begin(follow, bucket, change, records)
        found = await self._pairs.read_serially(pair)
        return found, bool(is_applied) or (found is not None and found.change == change)

    async def _remove(self, pair: Pair, records: Sequence[OutboxRecord]) -> bool:
        change = new_id()
        for _ in range(ATTEMPTS):
            _refuse_if_late()
            is_applied = await self._pairs.end(pair, change, records)
            found = await self._pairs.read_serially(pair)
            if is_applied or (found is not None and found.change == change):
                if found is not None and found.change == change:
                    await self._pairs.settle(pair, found, records)
                await self._count(pair, -1)
                return True
            if found is not None and found.is_ended:
                await self._pairs.settle(pair, found, records)
            if is_applied is not None:
                return False
            await _back_off()
        raise UnavailableError

    async def _set_muted(self, pair: Pair, muted_ms: int | None, records: Sequence[OutboxRecord]) -> bool | None:
        """Mute since `muted_ms`, or unmute (None). Returns whether that changed anything, or None if there is no such follow."""
        change = new_id()
        found = await self._pairs.read(pair)
        for _ in range(ATTEMPTS):
            if found is None or found.is_ended:
                return None
            # Whatever was decided before is carried out first, so a pair never has two unfinished changes.
            await self._pairs.repair(pair, found, records)
            if found.is_muted == (muted_ms is not None):
                return False
            _refuse_if_late()
            is_applied = await self._pairs.mark_muted(pair, found, change, muted_ms, records)
            found = await self._pairs.read_serially(pair)
            is_mine = found is not None and found.change == change
            if found is not None and is_mine:
                await self._pairs.settle(pair, found, records)
            if is_applied or is_mine:
                return True
            await _back_off()
        raise UnavailableError

    async def _confirm(self, pair: Pair, records: Sequence[OutboxRecord]) -> Follow | None:
        found = await self._pairs.read(pair)
        if found is None or found.is_ended:
            return None
        await self._pairs.repair(pair, found, records)
        return found.follow_of(pair)

    async def _has_room(self, follower_id: int, max_followees: int) -> bool:
        if (await self.get_counts(follower_id)).following + COUNT_SLACK < max_followees:
            return True
        return len(await self.list_followees(follower_id, None, max_followees)) < max_followees

    async def _count(self, pair: Pair, change: int) -> None:
        """Update both counts. Stop waiting if that takes long: the follow is done either way."""
        task = asyncio.create_task(self._count_both(pair, change))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        done, _ = await asyncio.wait({task}, timeout=COUNT_WAIT_SECONDS)
        for each in done:
            each.result()

    async def _count_both(self, pair: Pair, change: int) -> None:
        """Update both counts. A recount corrects what fails here."""
        try:
            await asyncio.gather(
                self._cassandra.execute(_COUNT_FOLLOWEE, change, pair.follower_id),
                self._cassandra.execute(_COUNT_FOLLOWER, change, pair.followee_id),
            )
        except UnavailableError:
            _log.warning("count_missed", follower_id=pair.follower_id, followee_id=pair.followee_id)

    async def _run_to_end(self, follower_id: int, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a change in its follower's turn. Once begun, it runs to the end even if the caller is cancelled.

        Raises UnavailableError if the turn does not come in time. Then nothing was begun, and nothing will be.
        """
        turn = await self._turns.take(follower_id)

        async def in_turn() -> T:
            # Without this, the call's deadline would interrupt the change. It still decides what may begin.
            _begin_before.set(current_call().deadline)
            CURRENT.set(current_call()._replace(deadline=None))
            try:
                return await change()
            finally:
                turn.release()

        task = asyncio.create_task(in_turn())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)


def _refuse_if_late() -> None:
    """Raise UnavailableError if the call is over: its caller may have decided otherwise, through another process."""
    before = _begin_before.get()
    if before is not None and time.monotonic() > before:
        raise UnavailableError


async def _back_off() -> None:
    await asyncio.sleep(random.uniform(0, BACKOFF_SECONDS))  # noqa: S311 - spreads retries, not a secret
