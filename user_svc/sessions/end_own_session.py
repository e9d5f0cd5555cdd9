"""End one session by its id."""

from meshkit.errors import NotFoundError
from user_svc.session import is_session_id
from user_svc.sessions.end_session import EndSession
from user_svc.store import UserStore


class EndOwnSession:
    """Ends a session of the caller."""

    def __init__(self, store: UserStore, end_session: EndSession) -> None:
        self._store = store
        self._end_session = end_session

    async def __call__(self, user_id: int, session_id: str) -> None:
        """End the session. Repeatable. Raises NotFoundError (SESSION_NOT_FOUND), also for another user's session."""
        # A store may refuse what cannot be a key, such as an empty text.
        session = await self._store.get_session(session_id) if is_session_id(session_id) else None
        if session is None or session.user_id != user_id:
            raise NotFoundError("SESSION_NOT_FOUND", "you have no such session")
        await self._end_session(session_id)
