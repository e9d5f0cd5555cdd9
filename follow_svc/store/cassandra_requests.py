"""RequestStore in Cassandra. `pair_changes.py` explains how a request begins and ends."""

from collections.abc import Sequence

from follow_svc.model import FOLLOWER_BUCKET_SIZE, AddedFollow, FollowRequest
from follow_svc.store.cassandra_counts import CassandraCounts
from follow_svc.store.cassandra_lists import PAGE, CassandraLists
from follow_svc.store.cassandra_stances import CassandraStances
from follow_svc.store.pair_changes import PairChanges
from follow_svc.store.pair_outcomes import PairOutcomes
from follow_svc.store.pair_state import Pair, PairEvents, PairKind, PairState
from follow_svc.store.run_to_end import ATTEMPTS, Changes, back_off, refuse_if_late
from meshkit.cassandra import Cassandra, sure_read, write_with_events
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import MAX_ID

# After every request.
_AFTER_ALL = FollowRequest(MAX_ID, MAX_ID)
_REQUESTS = sure_read(
    "SELECT requested_ms, follower_id FROM follow_requests WHERE followee_id = ? AND (requested_ms, follower_id) < (?, ?) LIMIT ?"
)


class CassandraRequests(CassandraLists, CassandraStances):
    """The follow requests of a FollowStore."""

    def __init__(self, cassandra: Cassandra, bucket_size: int = FOLLOWER_BUCKET_SIZE) -> None:
        super().__init__(cassandra)
        self._pairs = PairChanges(cassandra)
        self._changes = Changes()
        self._counts = CassandraCounts(cassandra, self._changes)
        self._outcomes = PairOutcomes(self._pairs, self, self._counts, bucket_size)

    async def get_request(self, follower_id: int, followee_id: int) -> FollowRequest | None:
        """Return the request of a pair."""
        found = await self._pairs.read(Pair(follower_id, followee_id))
        return FollowRequest(found.created_ms, follower_id) if found and found.kind is PairKind.REQUEST else None

    async def accept_request(
        self,
        follower_id: int,
        followee_id: int,
        created_ms: int,
        records: Sequence[OutboxRecord],
        requested_ms: int | None = None,
    ) -> AddedFollow | None:
        """Turn a request into a follow if it exists."""
        pair, events = Pair(follower_id, followee_id), PairEvents(records)
        return await self._changes.run(follower_id, lambda: self._accept(pair, created_ms, events, requested_ms))

    async def remove_request(self, follower_id: int, followee_id: int) -> bool:
        """Remove a request if it exists."""
        return await self._changes.run(follower_id, lambda: self._remove_request(Pair(follower_id, followee_id)))

    async def list_requests(self, user_id: int, before: FollowRequest | None, limit: int) -> Sequence[FollowRequest]:
        """Return requests before another one."""
        last = before or _AFTER_ALL
        found: list[FollowRequest] = []
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = [FollowRequest(*row) for row in await self._cassandra.execute(_REQUESTS, user_id, *last, size)]
            found += page
            if len(page) < size:
                break
            last = page[-1]
        return found

    async def write_events(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        await write_with_events(self._cassandra, [], records)

    async def _accept(
        self, pair: Pair, created_ms: int, events: PairEvents, requested_ms: int | None
    ) -> AddedFollow | None:
        for _ in range(ATTEMPTS):
            found = await self._open(pair)
            if found is None:
                return None
            if found.kind is PairKind.FOLLOW:
                now = await self._outcomes.repair(pair, found, events)
                if now is not None and now.kind is PairKind.FOLLOW:
                    return AddedFollow(now.follow_of(pair), is_new=False)
            else:
                if requested_ms not in (None, found.requested_ms):
                    return None
                refuse_if_late()
                accepted = await self._outcomes.accept(pair, found, created_ms, events)
                if accepted is not None:
                    return AddedFollow(accepted.follow_of(pair), is_new=True)
            await back_off()
        raise UnavailableError

    async def _remove_request(self, pair: Pair) -> bool:
        for _ in range(ATTEMPTS):
            found = await self._open(pair)
            if found is None or found.kind is not PairKind.REQUEST:
                return False
            refuse_if_late()
            if await self._outcomes.cancel(pair, found):
                return True
            await back_off()
        raise UnavailableError

    async def _open(self, pair: Pair) -> PairState | None:
        """Return the follow or the request of a pair. Finishes an end that a crash interrupted."""
        found = await self._pairs.read(pair)
        if found is not None and found.is_ended:
            await self._pairs.settle(pair, found, PairEvents())
            return None
        return found
