"""Logging out."""

from user_svc.store import UserStore


class DeleteSession:
    """Ends sessions: their refresh tokens stop working at once, an access token when it expires."""

    def __init__(self, store: UserStore) -> None:
        self._store = store

    async def __call__(self, session_id: str | None) -> None:
        """End the session that the caller's token names. Repeatable; a token without a session has nothing to end."""
        if session_id:
            await self._store.revoke_session(session_id)
