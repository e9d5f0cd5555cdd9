"""Idempotency keys in SQLite, in the table `idempotency` of a service."""

import sqlite3

from meshkit.call import unnoticed_writes
from meshkit.idempotency.claim import TTL_MS, Claim
from meshkit.sqlite import Database

# SQLite has no TTL. Each claim deletes up to this many expired rows, so that the table stays bounded.
EXPIRE_AT_ONCE = 10


class SqliteKeys:
    """Keys over a database. `column` is the table's column with the id."""

    def __init__(self, database: Database, column: str) -> None:
        self._database = database
        self._insert = (
            f"INSERT OR IGNORE INTO idempotency (user_id, key, {column}, fingerprint, claimed_at)"  # noqa: S608 - a name of ours
            " VALUES (?, ?, ?, ?, ?)"
        )
        self._select = f"SELECT {column}, fingerprint, claimed_at FROM idempotency WHERE user_id = ? AND key = ?"  # noqa: S608 - a name of ours

    async def claim(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""

        def work(connection: sqlite3.Connection) -> Claim:
            _expire(connection, user_id, key, claim.claimed_at - TTL_MS)
            values = (claim.claimed_id, claim.fingerprint, claim.claimed_at)
            connection.execute(self._insert, (user_id, key, *values))
            return Claim(*connection.execute(self._select, (user_id, key)).fetchone())

        with unnoticed_writes():
            return await self._database.write(work)


def _expire(connection: sqlite3.Connection, user_id: int, key: str, until: int) -> None:
    connection.execute(
        "DELETE FROM idempotency WHERE user_id = ? AND key = ? AND claimed_at <= ?", (user_id, key, until)
    )
    connection.execute(
        "DELETE FROM idempotency WHERE (user_id, key) IN"
        " (SELECT user_id, key FROM idempotency WHERE claimed_at <= ? LIMIT ?)",
        (until, EXPIRE_AT_ONCE),
    )
