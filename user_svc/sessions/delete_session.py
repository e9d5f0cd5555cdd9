"""Logging out."""

from user_svc.sessions.end_session import EndSession


class DeleteSession:
    """Ends the session of who asks for it."""

    def __init__(self, end_session: EndSession) -> None:
        self._end_session = end_session

    async def __call__(self, session_id: str | None) -> None:
        """End the session that the caller's token names. Repeatable; a token without a session has nothing to end."""
        if session_id:
            await self._end_session(session_id)
