"""FollowStore in Cassandra. `pair_changes.py` explains how a pair changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from follow_svc.errors import FollowLimitError, NotFollowingError, RequestsFullError
from follow_svc.model import MAX_REQUESTS, AddedFollow, Follow, FollowCounts, FollowState
from follow_svc.store.cassandra_requests import CassandraRequests
from follow_svc.store.pair_state import Pair, PairEvents, PairKind, PairState
from follow_svc.store.run_to_end import ATTEMPTS, back_off, refuse_if_late
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id

# Counters may be off by a little: this close to a limit, count the rows.
COUNT_SLACK = 200
MIGRATIONS = Path(__file__).parent / "migrations"


class CassandraFollowStore(CassandraRequests):
    """FollowStore over a keyspace with `MIGRATIONS` and the outbox migrations applied."""

    async def drain(self) -> None:
        """Wait for changes whose callers have gone, for a while."""
        await self._changes.drain()

    async def add_follow(
        self,
        follow: Follow,
        max_followees: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
        max_requests: int = MAX_REQUESTS,
    ) -> AddedFollow:
        """Add a follow, or a request if the followee is private, unless the pair exists."""
        events = PairEvents(records, if_requested)
        return await self._changes.run(
            follow.follower_id, lambda: self._add(follow, (max_followees, max_requests), events)
        )

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow or a request if it exists."""
        return await self._changes.run(follower_id, lambda: self._remove(Pair(follower_id, followee_id), records))

    async def mute(self, follower_id: int, followee_id: int, muted_ms: int, records: Sequence[OutboxRecord]) -> bool:
        """Mute a followee unless it is muted."""
        pair = Pair(follower_id, followee_id)
        is_changed = await self._changes.run(follower_id, lambda: self._set_muted(pair, muted_ms, records))
        if is_changed is None:
            raise NotFollowingError
        return is_changed

    async def unmute(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Unmute a followee if it is muted."""
        pair = Pair(follower_id, followee_id)
        return bool(await self._changes.run(follower_id, lambda: self._set_muted(pair, None, records)))

    async def confirm_follow(
        self,
        follower_id: int,
        followee_id: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
    ) -> Follow | None:
        """Return the follow or the request of a pair, and finish it if a crash interrupted it."""
        pair, events = Pair(follower_id, followee_id), PairEvents(records, if_requested)
        return await self._changes.run(follower_id, lambda: self._confirm(pair, events))

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair."""
        pair = Pair(follower_id, followee_id)
        found = await self._pairs.read(pair)
        return found.follow_of(pair) if found and found.kind is PairKind.FOLLOW else None

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts."""
        return await self._counts.of(user_id)

    async def get_follower_count(self, user_id: int) -> int | None:
        """Return an account's follower count, if it has one."""
        return await self._counts.of_followers(user_id)

    async def complete_pair(self, pair: Pair, found: PairState, events: PairEvents) -> None:
        """Finish a change that a crash interrupted."""
        await self._outcomes.repair(pair, found, events)

    async def _add(self, follow: Follow, limits: tuple[int, int], events: PairEvents) -> AddedFollow:
        pair, change = Pair(follow.follower_id, follow.followee_id), new_id()
        for _ in range(ATTEMPTS):
            found = await self._pairs.read(pair)
            kind = found.kind if found is not None else await self._kind_for(pair)
            is_mine = found is not None and found.change == change  # the answer was lost
            if found is None:
                found, is_mine = await self._begin(follow, kind, limits, change, events)
            if is_mine:
                # If the row names another change by now, somebody has completed ours and moved on.
                mine = found if found is not None and found.change == change else None
                return await self._complete_new(follow, kind, mine, events)
            if found is not None and not found.is_ended:
                now = await self._outcomes.repair(pair, found, events)
                if now is not None:
                    is_accepted = found.kind is PairKind.REQUEST and now.kind is PairKind.FOLLOW
                    return AddedFollow(now.follow_of(pair), is_new=is_accepted)
            elif found is not None:
                # Events that are too old to be written are dropped: the new follow supersedes them.
                await self._pairs.settle(pair, found, PairEvents())
            await back_off()
        raise UnavailableError

    async def _kind_for(self, pair: Pair) -> PairKind:
        return PairKind.REQUEST if await self._outcomes.is_private(pair.followee_id) else PairKind.FOLLOW

    async def _begin(
        self, follow: Follow, kind: PairKind, limits: tuple[int, int], change: int, events: PairEvents
    ) -> tuple[PairState | None, bool]:
        """Try to create the follow or the request. Returns the current row, and whether this change created it."""
        pair = Pair(follow.follower_id, follow.followee_id)
        refusal = await self._refusal(pair, kind, *limits)
        if refusal is not None:
            found = await self._pairs.read_serially(pair)
            if found is None:
                raise refusal
            return found, False
        if kind is PairKind.REQUEST:
            refuse_if_late()
            is_applied = await self._pairs.begin_request(follow, change, events.requested)
        else:
            bucket = await self._outcomes.bucket_for(pair.followee_id)
            refuse_if_late()
            is_applied = await self._pairs.begin(follow, bucket, change, events.followed)
        found = await self._pairs.read_serially(pair)
        return found, bool(is_applied) or (found is not None and found.change == change)

    async def _complete_new(
        self, follow: Follow, kind: PairKind, mine: PairState | None, events: PairEvents
    ) -> AddedFollow:
        """Complete and count a follow or a request that this call has created, and that may have become the other since."""
        pair = Pair(follow.follower_id, follow.followee_id)
        now = await self._outcomes.complete(pair, mine, events) if mine is not None else None
        is_turned = now is not None and kind is PairKind.FOLLOW and now.kind is PairKind.REQUEST
        if not is_turned:
            await self._counts.add(pair, kind, 1)
        if now is not None:
            return AddedFollow(now.follow_of(pair), is_new=True)
        state = FollowState.REQUESTED if kind is PairKind.REQUEST else FollowState.FOLLOWING
        return AddedFollow(replace(follow, state=state), is_new=True)

    async def _remove(self, pair: Pair, records: Sequence[OutboxRecord]) -> bool:
        change, events = new_id(), PairEvents(records)
        for _ in range(ATTEMPTS):
            refuse_if_late()
            is_applied = await self._pairs.end(pair, change, records)
            found = await self._pairs.read_serially(pair)
            if is_applied or (found is not None and found.change == change):
                if found is not None and found.change == change:
                    await self._pairs.settle(pair, found, events)
                await self._counts.add(pair, PairKind.FOLLOW, -1)
                return True
            if found is not None and found.is_ended:
                await self._pairs.settle(pair, found, events)
            if found is not None and found.kind is PairKind.REQUEST:
                if await self._outcomes.cancel(pair, found):
                    return False
            elif is_applied is not None and (found is None or found.is_ended):
                return False
            await back_off()
        raise UnavailableError

    async def _set_muted(self, pair: Pair, muted_ms: int | None, records: Sequence[OutboxRecord]) -> bool | None:
        """Mute since `muted_ms`, or unmute (None). Returns whether that changed anything, or None if there is no such follow."""
        change, events = new_id(), PairEvents(records)
        found = await self._pairs.read(pair)
        for _ in range(ATTEMPTS):
            if found is None or found.kind is not PairKind.FOLLOW:
                return None
            # Whatever was decided before is carried out first, so a pair never has two unfinished changes.
            now = await self._outcomes.repair(pair, found, events)
            if now is None or now.kind is not PairKind.FOLLOW:
                found = await self._pairs.read_serially(pair)
                continue
            if now.is_muted == (muted_ms is not None):
                return False
            refuse_if_late()
            is_applied = await self._pairs.mark_muted(pair, now, change, muted_ms, records)
            found = await self._pairs.read_serially(pair)
            is_mine = found is not None and found.change == change
            if found is not None and is_mine:
                await self._pairs.settle(pair, found, events)
            if is_applied or is_mine:
                return True
            await back_off()
        raise UnavailableError

    async def _confirm(self, pair: Pair, events: PairEvents) -> Follow | None:
        for _ in range(ATTEMPTS):
            found = await self._pairs.read(pair)
            if found is None or found.is_ended:
                return None
            if found.kind is PairKind.REQUEST and not await self._outcomes.is_private(pair.followee_id):
                return None
            now = await self._outcomes.repair(pair, found, events)
            if now is not None:
                return now.follow_of(pair)
            await back_off()
        raise UnavailableError

    async def _refusal(self, pair: Pair, kind: PairKind, max_followees: int, max_requests: int) -> Exception | None:
        """Return the error if a limit is reached. Counts decide, and near the limit the rows."""
        if (
            await self._counts.of_follower(pair.follower_id) + COUNT_SLACK >= max_followees
            and await self.count_pairs(pair.follower_id, max_followees) >= max_followees
        ):
            return FollowLimitError(max_followees)
        if (
            kind is PairKind.REQUEST
            and await self._counts.of_requests(pair.followee_id) + COUNT_SLACK >= max_requests
            and len(await self.list_requests(pair.followee_id, None, max_requests)) >= max_requests
        ):
            return RequestsFullError(max_requests)
        return None
