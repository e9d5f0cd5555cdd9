"""Log out."""

from user_svc.sessions.end_session import EndSession


class DeleteSession:
    """Ends the caller's session."""

    def __init__(self, end_session: EndSession) -> None:
        self._end_session = end_session

    async def __call__(self, session_id: str | None) -> None:
        """End the session that the caller's token names. Repeatable; does nothing for a token without a session."""
        if session_id:
            await self._end_session(session_id)
