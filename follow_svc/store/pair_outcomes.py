"""What becomes of a pair in Cassandra: a decided change is completed by what the followee's account is now."""

import time

from follow_svc.model import bucket_of
from follow_svc.sight import Standing, Visibility
from follow_svc.store.cassandra_counts import CassandraCounts
from follow_svc.store.cassandra_stances import CassandraStances
from follow_svc.store.pair_changes import PairChanges
from follow_svc.store.pair_state import Pair, PairEvents, PairKind, PairState
from meshkit.ids import new_id


class PairOutcomes:
    """Completes changes. Those that may meet another change return None if the pair has changed meanwhile."""

    def __init__(
        self, pairs: PairChanges, stances: CassandraStances, counts: CassandraCounts, bucket_size: int
    ) -> None:
        self._pairs = pairs
        self._stances = stances
        self._counts = counts
        self._bucket_size = bucket_size

    async def is_private(self, user_id: int) -> bool:
        """Return whether an account is private."""
        standings = await self._stances.get_standings([user_id])
        return standings.get(user_id, Standing()).visibility is Visibility.PRIVATE

    async def bucket_for(self, followee_id: int) -> int:
        """Return the bucket for the next follower."""
        return bucket_of((await self._counts.of(followee_id)).followers, self._bucket_size)

    async def complete(self, pair: Pair, found: PairState, events: PairEvents) -> PairState | None:
        """Carry out a change that was decided, and return what the pair is then.

        A follow becomes a request if the followee is private, unless it is kept. A request becomes a follow if the followee is
        public.
        """
        if found.is_unsure and await self.is_private(pair.followee_id):
            turned = await self._turn_into_request(pair, found, events)
            if turned is None:
                return None
            found = turned
        settled = await self._pairs.settle(pair, found, events)
        if settled and settled.kind is PairKind.REQUEST and not await self.is_private(pair.followee_id):
            return await self.accept(pair, settled, _now_ms(), events)
        return settled

    async def repair(self, pair: Pair, found: PairState, events: PairEvents) -> PairState | None:
        """Complete a change if it is not complete, and return what the pair is then."""
        if not await self._pairs.is_complete(pair, found):
            return await self.complete(pair, found, events)
        if found.kind is PairKind.REQUEST and not await self.is_private(pair.followee_id):
            return await self.accept(pair, found, _now_ms(), events)
        return found

    async def accept(self, pair: Pair, found: PairState, created_ms: int, events: PairEvents) -> PairState | None:
        """Turn a request into a follow."""
        change = new_id()
        bucket = await self.bucket_for(pair.followee_id) if found.bucket is None else found.bucket
        is_applied = await self._pairs.accept(pair, found, change, bucket, created_ms, events.followed)
        now = await self._mine(pair, change)
        if not is_applied and now is None:
            return None
        if now is not None:
            await self._pairs.settle(pair, now, events)
        await self._counts.add(pair, PairKind.REQUEST, -1)
        await self._counts.add(pair, PairKind.FOLLOW, 1)
        return now

    async def cancel(self, pair: Pair, found: PairState) -> bool:
        """End a request. Returns False if the pair has changed meanwhile."""
        change = new_id()
        is_applied = await self._pairs.cancel(pair, found, change)
        now = await self._mine(pair, change)
        if not is_applied and now is None:
            return False
        if now is not None:
            await self._pairs.settle(pair, now, PairEvents())
        await self._counts.add(pair, PairKind.REQUEST, -1)
        return True

    async def _turn_into_request(self, pair: Pair, found: PairState, events: PairEvents) -> PairState | None:
        """Turn a follow into a request. It was never complete, so it has not been counted."""
        change = new_id()
        is_applied = await self._pairs.turn_into_request(pair, found, change, events.requested)
        now = await self._mine(pair, change)
        if is_applied or now is not None:
            await self._counts.add(pair, PairKind.REQUEST, 1)
        return now

    async def _mine(self, pair: Pair, change: int) -> PairState | None:
        """Return the pair if this change is still its last one."""
        now = await self._pairs.read_serially(pair)
        return now if now is not None and now.change == change else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
