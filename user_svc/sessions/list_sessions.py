"""List the caller's sessions."""

import time
from collections.abc import Callable, Sequence

from user_svc.session import Session
from user_svc.store import UserStore

MAX_LISTED = 100


class ListSessions:
    """Lists an account's open sessions."""

    def __init__(self, store: UserStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    async def __call__(self, user_id: int) -> Sequence[Session]:
        """Return the sessions that can be refreshed, most recently used first, at most 100."""
        account = await self._store.get_account(user_id)
        sessions = await self._store.list_sessions(user_id)
        now = self._now()
        is_open = [each for each in sessions if each.expires_at > now and account is not None and account.accepts(each)]
        return sorted(is_open, key=lambda each: each.used_at, reverse=True)[:MAX_LISTED]
