"""End a session, for its owner or after a stolen token."""

import time
from collections.abc import Callable
from datetime import timedelta

from meshkit.token_expiry import EDGE_SKEW_SECONDS
from user_svc.ports import Revoke
from user_svc.store import UserStore

# The edge accepts a token for a moment after its expiry, and clocks differ.
REVOKED_LONGER_SECONDS = EDGE_SKEW_SECONDS + 60


class EndSession:
    """Ends sessions. Refresh tokens stop working at once, access tokens within two seconds."""

    def __init__(
        self, store: UserStore, revoke: Revoke, token_life: timedelta, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._revoke = revoke
        self._token_life = int(token_life.total_seconds())
        self._now = now

    async def __call__(self, session_id: str) -> None:
        """End a session. Repeatable."""
        await self._store.revoke_session(session_id)
        await self._revoke.add(session_id, int(self._now()) + self._token_life + REVOKED_LONGER_SECONDS)
