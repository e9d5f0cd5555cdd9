"""Idempotency keys in Cassandra, in the table `idempotency` of a service, by lightweight transactions."""

from meshkit.call import unnoticed_writes
from meshkit.cassandra import Cassandra, Statement, UnknownOutcomeError, claim, serial_read
from meshkit.errors import UnavailableError
from meshkit.idempotency.claim import TTL_MS, Claim

# More attempts do not help against a cluster that confirms nothing.
MAX_TRIES = 8
# `claimed_at` ends a binding precisely. The row outlives it by more than clocks can differ.
TTL_SECONDS = TTL_MS // 1000 + 3600


def key_statements(column: str) -> tuple[Statement, Statement]:
    """Return the statements that read and bind a key. `column` is the table's column with the id."""
    return (
        serial_read(
            f"SELECT {column}, fingerprint, claimed_at FROM idempotency WHERE user_id = ? AND key = ? LIMIT 1"  # noqa: S608 - a name of ours
        ),
        claim(
            f"UPDATE idempotency USING TTL ? SET {column} = ?, fingerprint = ?, claimed_at = ?"  # noqa: S608 - a name of ours
            f" WHERE user_id = ? AND key = ? IF {column} = ?"
        ),
    )


class CassandraKeys:
    """Keys over a keyspace, with the two statements of its table."""

    def __init__(self, cassandra: Cassandra, read_key: Statement, bind_key: Statement) -> None:
        self._cassandra = cassandra
        self._read = read_key
        self._bind = bind_key

    async def claim(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key that is free or whose binding has expired. Return what it is bound to."""
        expired: Claim | None = None
        with unnoticed_writes():
            for _ in range(MAX_TRIES):
                if await self._try_to_bind(user_id, key, claim, expired):
                    return claim
                bound = await self._bound(user_id, key)
                if bound is not None and bound.claimed_at > claim.claimed_at - TTL_MS:
                    return bound
                expired = bound
            raise UnavailableError

    async def _try_to_bind(self, user_id: int, key: str, claim: Claim, expired: Claim | None) -> bool:
        """Try once. False may also mean an unknown outcome, which the next read decides."""
        values = (claim.claimed_id, claim.fingerprint, claim.claimed_at)
        replaced = expired and expired.claimed_id
        try:
            rows = await self._cassandra.execute(self._bind, TTL_SECONDS, *values, user_id, key, replaced)
        except UnknownOutcomeError:
            return False
        return bool(rows[0][0])

    async def _bound(self, user_id: int, key: str) -> Claim | None:
        rows = await self._cassandra.execute(self._read, user_id, key)
        return Claim(*rows[0]) if rows else None
