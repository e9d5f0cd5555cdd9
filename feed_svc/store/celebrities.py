"""The celebrities' log in Redis. Its format is described in `celebrity_scripts.py`."""

import secrets

from feed_svc.model import LogUpdate, ModeChange
from feed_svc.store import celebrity_scripts as scripts
from feed_svc.store.script import Script
from meshkit.redis.mux import RedisMux

# The whole log lies in one slot of a cluster.
KEY = "celebrities"
_LIFE_SIZE = 8


class RedisCelebrities:
    """The log over the multiplexed connection.

    `threshold` is in followers. `grace_ms` is how long a promoted author's posts are still pushed. Changes are kept for
    `keep_ms`, longer than any live timeline can go without learning of one.
    """

    def __init__(self, mux: RedisMux, *, threshold: int, grace_ms: int, keep_ms: int) -> None:
        self._threshold = threshold
        self._grace_ms = grace_ms
        self._keep_ms = keep_ms
        self._decide = Script(mux, scripts.DECIDE)
        self._pulled_for = Script(mux, scripts.PULLED_FOR)
        self._changes = Script(mux, scripts.CHANGES)

    async def decide(self, author_id: int, follower_count: int | None) -> bool:
        """Promote or demote, and tell whether to push."""
        if follower_count is None:
            pulled_ms = await self.pulled_for_ms(author_id)
            return pulled_ms is None or pulled_ms < self._grace_ms
        arguments = (author_id.to_bytes(8), follower_count, self._threshold, _new_life(), self._keep_ms)
        is_pulled, age_ms = await self._decide(KEY, *arguments)
        return not is_pulled or age_ms < self._grace_ms

    async def pulled_for_ms(self, author_id: int) -> int | None:
        """Look an author up."""
        age_ms: int = await self._pulled_for(KEY, author_id.to_bytes(8))
        return None if age_ms < 0 else age_ms

    async def changes_since(self, life: bytes, seq: int) -> LogUpdate:
        """Read what is new."""
        found, now_ms, is_all, changes, pulled = await self._changes(KEY, life, seq, _new_life())
        return LogUpdate(
            life=found,
            now_ms=now_ms,
            changes=[_change(member) for member in changes],
            pulled=[int.from_bytes(member[1:9]) for member in pulled] if is_all else None,
        )


def _new_life() -> bytes:
    return secrets.token_bytes(_LIFE_SIZE)


def _change(member: bytes) -> ModeChange:
    return ModeChange(
        seq=int.from_bytes(member[1:9]),
        author_id=int.from_bytes(member[9:17]),
        is_pulled=member[17:18] == b"1",
        since_ms=int.from_bytes(member[18:26]),
    )
