"""The lists of followers, followees and mutes in Cassandra."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from follow_svc.model import MAX_FOLLOWEES, Follower, Mute
from follow_svc.store.pair_state import PairKind, kind_of
from meshkit.cassandra import Cassandra, sure_read

# Rows per read. Below the driver's page size, because the bridge fetches only one page.
PAGE = 2_000
# An account with more buckets would have half a billion followers.
MAX_BUCKETS = 5_000
# Concurrent follows may exceed the limit by a few.
_ALL_FOLLOWEES = 2 * MAX_FOLLOWEES
# Below every id.
_BEFORE_ALL = -1
# Feeds are built from these rows. A row that a lagging replica lacks would be missing until the next rebuild.
_FOLLOWEES = sure_read(
    "SELECT followee_id, is_ended, state, muted_ms FROM follows WHERE follower_id = ? AND followee_id > ? LIMIT ?"
)
_FOLLOWED_OF = sure_read(
    "SELECT followee_id, is_ended, state, muted_ms FROM follows WHERE follower_id = ? AND followee_id IN ? LIMIT ?"
)
# DISTINCT reads the static column alone.
_LAST_CUT = sure_read("SELECT DISTINCT follower_id, last_cut FROM follows WHERE follower_id = ? LIMIT ?")
_FOLLOWERS = sure_read(
    "SELECT follower_id, is_muted FROM followers WHERE followee_id = ? AND bucket = ? AND follower_id > ? LIMIT ?"
)
_BUCKETS = sure_read("SELECT bucket FROM follower_buckets WHERE followee_id = ? AND bucket >= ? LIMIT ?")


class _Edge(NamedTuple):
    """A row of `follows`."""

    followee_id: int
    is_ended: bool | None
    state: str | None
    muted_ms: int | None

    def is_pair(self) -> bool:
        """Return whether this is a follow or a request."""
        return kind_of(self.is_ended, self.state) in (PairKind.FOLLOW, PairKind.REQUEST)

    def is_followed(self) -> bool:
        """Return whether this is a follow."""
        return kind_of(self.is_ended, self.state) is PairKind.FOLLOW

    def is_unmuted(self) -> bool:
        """Return whether this is a follow that is not muted."""
        return self.is_followed() and self.muted_ms is None

    def is_muted(self) -> bool:
        """Return whether this is a follow that is muted."""
        return self.is_followed() and self.muted_ms is not None


class CassandraLists:
    """The lists of a FollowStore."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def list_followers(self, user_id: int, after: Follower | None, limit: int) -> Sequence[Follower]:
        """Return followers after a place."""
        first, last_id = after.place if after else (0, _BEFORE_ALL)
        rows = await self._cassandra.execute(_BUCKETS, user_id, first, MAX_BUCKETS)
        found: list[Follower] = []
        for bucket in sorted({first, *(row[0] for row in rows)}):
            above = last_id if bucket == first else _BEFORE_ALL
            while len(found) < limit:
                size = min(PAGE, limit - len(found))
                page = await self._cassandra.execute(_FOLLOWERS, user_id, bucket, above, size)
                found += [Follower(bucket, follower_id, bool(is_muted)) for follower_id, is_muted in page]
                if len(page) < size:
                    break
                above = page[-1][0]
        return found

    async def list_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return followees after an id."""
        return [edge.followee_id for edge in await self._edges(user_id, after, limit, _Edge.is_followed)]

    async def list_unmuted_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return followees after an id, without those that are muted."""
        return [edge.followee_id for edge in await self._edges(user_id, after, limit, _Edge.is_unmuted)]

    async def count_pairs(self, user_id: int, limit: int) -> int:
        """Return how many an account follows or asks to follow, up to a limit."""
        return len(await self._edges(user_id, None, limit, _Edge.is_pair))

    async def list_mutes(self, user_id: int, before: Mute | None, limit: int) -> Sequence[Mute]:
        """Return mutes before another one. Reads and sorts all of an account's followees."""
        muted = await self._edges(user_id, None, _ALL_FOLLOWEES, _Edge.is_muted)
        mutes = sorted((Mute(edge.muted_ms or 0, edge.followee_id) for edge in muted), reverse=True)
        return [mute for mute in mutes if before is None or mute < before][:limit]

    async def filter_unmuted(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return those that are followed and not muted."""
        return {edge.followee_id for edge in await self._edges_to(follower_id, followee_ids) if edge.is_unmuted()}

    async def filter_followees(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return those that are followed."""
        return {edge.followee_id for edge in await self._edges_to(follower_id, followee_ids) if edge.is_followed()}

    async def _edges_to(self, follower_id: int, followee_ids: Sequence[int]) -> list[_Edge]:
        wanted = list(set(followee_ids))
        if not wanted:
            return []
        # One partition, looked up by clustering key.
        return [_Edge(*row) for row in await self._cassandra.execute(_FOLLOWED_OF, follower_id, wanted, len(wanted))]

    async def get_last_cut(self, follower_id: int) -> int:
        """Return the last cut, or 0."""
        rows = await self._cassandra.execute(_LAST_CUT, follower_id, 1)
        return rows[0][1] or 0 if rows else 0

    async def _edges(
        self, user_id: int, after: int | None, limit: int, is_wanted: Callable[[_Edge], bool]
    ) -> list[_Edge]:
        above = _BEFORE_ALL if after is None else after
        found: list[_Edge] = []
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = [_Edge(*row) for row in await self._cassandra.execute(_FOLLOWEES, user_id, above, size)]
            found += filter(is_wanted, page)
            if len(page) < size:
                break
            above = page[-1].followee_id
        return found
