"""Sessions in Cassandra. Only LWTs write their rows, which orders the changes.

Sessions expire by TTL. A rotation extends the expiry, so it writes every cell again with the new TTL. A revocation writes one
cell. A concurrent rotation may give the other cells a longer TTL: a session whose revocation cell has expired before the others
counts as revoked.

An account finds its sessions in `sessions_by_user`. A row is written there before its session is added or extended, so that no
session is ever missing; whether one is still open, its own row tells.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from meshkit.cassandra import Cassandra, UnknownOutcomeError, claim, serial_read, sure_read, write
from user_svc.session import Rotation, Session

# Rows outlive their session by more than clocks can differ: the caller checks the expiry.
TTL_SLACK_SECONDS = 3_600
# Cassandra's own limit, 20 years.
MAX_TTL_SECONDS = 20 * 365 * 86_400
# How many of an account's sessions are listed by one statement, and read at once.
PAGE, AT_ONCE = 500, 32

_ADD = claim(
    "INSERT INTO sessions (session_id, user_id, family_hash, turn_hash, created_at, expires_at, is_revoked,"
    " password_version, last_used_at, device, network) VALUES (?, ?, ?, ?, ?, ?, false, ?, ?, ?, ?) IF NOT EXISTS USING TTL ?"
)
_SESSION = (
    "SELECT session_id, user_id, family_hash, turn_hash, created_at, expires_at, is_revoked, password_version, last_used_at,"
    " device, network, previous_turn_hash, turn_salt FROM sessions WHERE session_id = ? LIMIT 1"
)
# At quorum: a session that is missing, expired or revoked is refused.
_GET, _GET_DECIDED = sure_read(_SESSION), serial_read(_SESSION)
_ROTATE = claim(
    "UPDATE sessions USING TTL ? SET user_id = ?, family_hash = ?, turn_hash = ?, created_at = ?, expires_at = ?,"
    " is_revoked = false, password_version = ?, last_used_at = ?, device = ?, network = ?, previous_turn_hash = ?, turn_salt = ?"
    " WHERE session_id = ? IF turn_hash = ? AND is_revoked = false"
)
_REVOKE = claim("UPDATE sessions USING TTL ? SET is_revoked = true WHERE session_id = ? IF EXISTS")
_LIST_ADD = write("INSERT INTO sessions_by_user (user_id, session_id) VALUES (?, ?) USING TTL ?")
_LIST_REMOVE = write("DELETE FROM sessions_by_user WHERE user_id = ? AND session_id = ?")
_LIST = sure_read("SELECT session_id FROM sessions_by_user WHERE user_id = ? AND session_id > ? LIMIT ?")


class CassandraSessions:
    """The sessions of a UserStore."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def add_session(self, session: Session) -> None:
        """Add a session; it disappears some time after its expiry."""
        ttl = _ttl(session.expires_at)
        await self._cassandra.execute(_LIST_ADD, session.user_id, session.session_id, ttl)
        await self._cassandra.execute(
            _ADD,
            session.session_id,
            session.user_id,
            session.family_hash,
            session.turn_hash,
            session.created_at,
            session.expires_at,
            session.password_version,
            session.last_used_at,
            session.device,
            session.network,
            ttl,
        )

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session."""
        rows = await self._cassandra.execute(_GET, session_id)
        return _session(rows[0]) if rows else None

    async def list_sessions(self, user_id: int) -> Sequence[Session]:
        """Return an account's sessions that are not revoked."""
        found: list[Session] = []
        after = ""
        while rows := await self._cassandra.execute(_LIST, user_id, after, PAGE):
            for start in range(0, len(rows), AT_ONCE):
                some = rows[start : start + AT_ONCE]
                found += [each for each in await asyncio.gather(*(self.get_session(row[0]) for row in some)) if each]
            after = rows[-1][0]
        return [each for each in found if not each.is_revoked and each.user_id == user_id]

    async def get_rotated_session(self, session_id: str) -> Session | None:
        """Return a session, after completing any accepted rotation."""
        rows = await self._cassandra.execute(_GET_DECIDED, session_id)
        return _session(rows[0]) if rows else None

    async def rotate_session(self, session_id: str, rotation: Rotation) -> bool:
        """Replace the turn's hash and extend the expiry, unless another call did so first."""
        session = await self.get_session(session_id)
        if session is None:
            return False
        ttl, old, new = _ttl(rotation.expires_at), rotation.old_turn_hash, rotation.new_turn_hash
        await self._cassandra.execute(_LIST_ADD, session.user_id, session_id, ttl)
        turn = (session.user_id, session.family_hash, new, session.created_at, rotation.expires_at)
        use = (session.password_version, rotation.used_at, session.device, session.network)
        try:
            rows = await self._cassandra.execute(_ROTATE, ttl, *turn, *use, old, rotation.salt, session_id, old)
        except UnknownOutcomeError:
            decided = await self.get_rotated_session(session_id)
            # The rotation may still be in progress.
            if decided is not None and decided.turn_hash == old:
                raise
            return decided is not None and decided.turn_hash == new
        is_applied, *found = rows[0]
        return is_applied or new in found

    async def revoke_session(self, session_id: str) -> None:
        """Revoke a session for good."""
        session = await self.get_session(session_id)
        if session is not None:
            await self._cassandra.execute(_REVOKE, _ttl(session.expires_at), session_id)
            await self._cassandra.execute(_LIST_REMOVE, session.user_id, session_id)


def _ttl(expires_at: int) -> int:
    left = expires_at - int(time.time())
    return max(1, min(left + TTL_SLACK_SECONDS, MAX_TTL_SECONDS))


def _session(row: Sequence[Any]) -> Session | None:
    """Return the session of a row; None if some of its cells have expired before the others, or have not come yet."""
    *values, is_revoked, version, used_at, device, network, previous, salt = row
    if None in values:
        return None
    # Sessions that were added before the last columns lack them.
    return replace(
        Session(*values),
        is_revoked=is_revoked is not False,
        password_version=version or 0,
        last_used_at=used_at or 0,
        device=device or "",
        network=network or "",
        previous_turn_hash=previous or b"",
        turn_salt=salt or b"",
    )
