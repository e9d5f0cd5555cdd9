"""The counts of follows and requests in Cassandra. Counters cannot be repeated safely, so a crash may lose a count."""

import asyncio

import structlog

from follow_svc.model import FollowCounts
from follow_svc.store.pair_state import Pair, PairKind
from follow_svc.store.run_to_end import Changes
from meshkit.cassandra import Cassandra, sure_read, write
from meshkit.errors import UnavailableError

# How long a caller waits for the counts. A dead node can hold counting up for seconds; it then finishes in the background.
COUNT_WAIT_SECONDS = 1.0
# Counts decide who is a celebrity, and when the rows themselves are counted.
_COUNTS = sure_read("SELECT followers, following, requests, requesting FROM follow_counts WHERE user_id = ? LIMIT 1")
_COUNT_FOLLOWER = write("UPDATE follow_counts SET followers = followers + ? WHERE user_id = ?", is_idempotent=False)
_COUNT_FOLLOWEE = write("UPDATE follow_counts SET following = following + ? WHERE user_id = ?", is_idempotent=False)
_COUNT_REQUEST = write("UPDATE follow_counts SET requests = requests + ? WHERE user_id = ?", is_idempotent=False)
_COUNT_REQUESTING = write("UPDATE follow_counts SET requesting = requesting + ? WHERE user_id = ?", is_idempotent=False)
_BY_KIND = {PairKind.FOLLOW: (_COUNT_FOLLOWEE, _COUNT_FOLLOWER), PairKind.REQUEST: (_COUNT_REQUESTING, _COUNT_REQUEST)}
_log = structlog.get_logger()


class CassandraCounts:
    """The counts of a FollowStore. A recount corrects those of follows; those of requests only bound how many there can be."""

    def __init__(self, cassandra: Cassandra, changes: Changes) -> None:
        self._cassandra = cassandra
        self._changes = changes

    async def of(self, user_id: int) -> FollowCounts:
        """Return how many follow an account, and how many it follows."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return FollowCounts(*(max(count or 0, 0) for count in rows[0][:2])) if rows else FollowCounts()

    async def of_followers(self, user_id: int) -> int | None:
        """Return how many follow an account, if that was ever counted."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return max(rows[0][0], 0) if rows and rows[0][0] is not None else None

    async def of_requests(self, user_id: int) -> int:
        """Return how many ask to follow an account."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return max(rows[0][2] or 0, 0) if rows else 0

    async def of_follower(self, user_id: int) -> int:
        """Return how many an account follows or asks to follow."""
        rows = await self._cassandra.execute(_COUNTS, user_id)
        return sum(max(count or 0, 0) for count in (rows[0][1], rows[0][3])) if rows else 0

    async def add(self, pair: Pair, kind: PairKind, change: int) -> None:
        """Count a follow or a request on both sides. Stop waiting if that takes long: it is done either way."""
        task = self._changes.start(self._add_both(pair, kind, change))
        done, _ = await asyncio.wait({task}, timeout=COUNT_WAIT_SECONDS)
        for each in done:
            each.result()

    async def _add_both(self, pair: Pair, kind: PairKind, change: int) -> None:
        of_follower, of_followee = _BY_KIND[kind]
        try:
            await asyncio.gather(
                self._cassandra.execute(of_follower, change, pair.follower_id),
                self._cassandra.execute(of_followee, change, pair.followee_id),
            )
        except UnavailableError:
            _log.warning("count_missed", follower_id=pair.follower_id, followee_id=pair.followee_id, what=kind.name)
