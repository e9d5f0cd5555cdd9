"""Sessions in Cassandra. Only LWTs write their rows, which orders the changes.

Sessions expire by TTL. A rotation extends the expiry, so it writes every cell again with the new TTL. A revocation writes one
cell. A concurrent rotation may give the other cells a longer TTL: a session whose revocation cell has expired before the others
counts as revoked.
"""

import time
from dataclasses import replace

from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, read, serial_read, sure_read
from meshkit.cassandra.bridge import Rows
from user_svc.session import Session

# Rows outlive their session by more than clocks can differ: the caller checks the expiry.
TTL_SLACK_SECONDS = 3_600
# Cassandra's own limit, 20 years.
MAX_TTL_SECONDS = 20 * 365 * 86_400

_ADD = claim(
    "INSERT INTO sessions (session_id, user_id, family_hash, turn_hash, created_at, expires_at, is_revoked)"
    " VALUES (?, ?, ?, ?, ?, ?, false) IF NOT EXISTS USING TTL ?"
)
_SESSION = (
    "SELECT session_id, user_id, family_hash, turn_hash, created_at, expires_at, is_revoked"
    " FROM sessions WHERE session_id = ? LIMIT 1"
)
_GET, _GET_AT_QUORUM = read(_SESSION), sure_read(_SESSION)
_ROTATE = claim(
    "UPDATE sessions USING TTL ? SET user_id = ?, family_hash = ?, turn_hash = ?, created_at = ?, expires_at = ?,"
    " is_revoked = false WHERE session_id = ? IF turn_hash = ? AND is_revoked = false"
)
_TURN = serial_read("SELECT turn_hash FROM sessions WHERE session_id = ? LIMIT 1")
_REVOKE = claim("UPDATE sessions USING TTL ? SET is_revoked = true WHERE session_id = ? IF EXISTS")


class CassandraSessions:
    """The sessions of a UserStore."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def add_session(self, session: Session) -> None:
        """Add a session. It disappears some time after its expiry."""
        await self._cassandra.execute(
            _ADD,
            session.session_id,
            session.user_id,
            session.family_hash,
            session.turn_hash,
            session.created_at,
            session.expires_at,
            _ttl(session.expires_at),
        )

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session. One replica may confirm that it exists; only a quorum that it does not."""
        rows = _complete_rows(await self._cassandra.execute(_GET, session_id))
        rows = rows or _complete_rows(await self._cassandra.execute(_GET_AT_QUORUM, session_id))
        if not rows:
            return None
        *values, is_revoked = rows[0]
        return replace(Session(*values), is_revoked=is_revoked is not False)

    async def rotate_session(self, session_id: str, old_turn: bytes, new_turn: bytes, expires_at: int) -> bool:
        """Replace the turn's hash and extend the expiry, unless another call did so first."""
        session = await self.get_session(session_id)
        if session is None:
            return False
        unchanged = (session.user_id, session.family_hash)
        values = (_ttl(expires_at), *unchanged, new_turn, session.created_at, expires_at, session_id, old_turn)
        try:
            rows = await self._cassandra.execute(_ROTATE, *values)
        except UnknownOutcomeError:
            turn = await self._turn_of(session_id)
            # The rotation may still be in progress.
            if turn == old_turn:
                raise
            return turn == new_turn
        is_applied, *found = rows[0]
        return is_applied or new_turn in found

    async def _turn_of(self, session_id: str) -> bytes | None:
        """Return the current turn, after completing any accepted rotation."""
        rows = await self._cassandra.execute(_TURN, session_id)
        return rows[0][0] if rows else None

    async def revoke_session(self, session_id: str) -> None:
        """Revoke a session for good."""
        session = await self.get_session(session_id)
        if session is not None:
            await self._cassandra.execute(_REVOKE, _ttl(session.expires_at), session_id)


def _ttl(expires_at: int) -> int:
    left = expires_at - int(time.time())
    return max(1, min(left + TTL_SLACK_SECONDS, MAX_TTL_SECONDS))


def _complete_rows(rows: Rows) -> Rows:
    """Drop rows of which some cells have expired before the others."""
    return [row for row in rows if None not in row[:-1]]
