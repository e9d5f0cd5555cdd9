"""Idempotency keys, bound by LWTs."""

from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, serial_read
from meshkit.errors import UnavailableError
from post_svc.model import Claim
from post_svc.store.port import CLAIM_TTL_MS

# A call that needs more tries is talking to a cluster that confirms nothing.
MAX_TRIES = 8
# `claimed_at` ends a binding to the millisecond. The row expires well after that, to allow for clock differences.
TTL_SECONDS = CLAIM_TTL_MS // 1000 + 3600
_READ = serial_read("SELECT post_id, fingerprint, claimed_at FROM idempotency WHERE user_id = ? AND key = ? LIMIT 1")
_BIND = claim(
    "UPDATE idempotency USING TTL ? SET post_id = ?, fingerprint = ?, claimed_at = ? WHERE user_id = ? AND key = ?"
    " IF post_id = ?"
)


class IdempotencyKeys:
    """Maps each author's idempotency keys to posts."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def claim(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key that is free or expired. Returns what it is bound to."""
        ended: Claim | None = None
        for _ in range(MAX_TRIES):
            if await self._bind(author_id, key, claim, ended):
                return claim
            bound = await self._read(author_id, key)
            if bound is not None and bound.claimed_at > claim.claimed_at - CLAIM_TTL_MS:
                return bound
            ended = bound
        raise UnavailableError

    async def _bind(self, author_id: int, key: str, claim: Claim, ended: Claim | None) -> bool:
        """Try once. False may also mean that the outcome is unknown: the caller reads next."""
        values = (claim.post_id, claim.fingerprint, claim.claimed_at)
        try:
            rows = await self._cassandra.execute(_BIND, TTL_SECONDS, *values, author_id, key, ended and ended.post_id)
        except UnknownOutcomeError:
            return False
        return bool(rows[0][0])

    async def _read(self, author_id: int, key: str) -> Claim | None:
        rows = await self._cassandra.execute(_READ, author_id, key)
        return Claim(*rows[0]) if rows else None
