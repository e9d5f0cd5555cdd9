"""End many sessions of an account."""

import asyncio

from user_svc.sessions.end_session import EndSession
from user_svc.store import UserStore

AT_ONCE = 16


class EndSessions:
    """Ends an account's sessions."""

    def __init__(self, store: UserStore, end_session: EndSession) -> None:
        self._store = store
        self._end_session = end_session

    async def __call__(self, user_id: int, *, keep: str | None) -> None:
        """End all sessions except `keep`. Repeatable."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def end(session_id: str) -> None:
            async with turn:
                await self._end_session(session_id)

        sessions = await self._store.list_sessions(user_id)
        await asyncio.gather(*(end(each.session_id) for each in sessions if each.session_id != keep))
