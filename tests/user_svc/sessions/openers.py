"""Use cases of sessions over a store, for tests that run no service."""

import time
from collections.abc import Callable
from datetime import timedelta

from user_svc.session import SessionLife
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.open_session import SessionOpener
from user_svc.store import UserStore

LIFE = SessionLife(timedelta(days=90), timedelta(days=365))


class NoRevocations:
    """Receives revocations where no other service runs."""

    async def add(self, session_id: str, until: int) -> None:
        """Do nothing."""


def end_session(store: UserStore) -> EndSession:
    """Return an EndSession over a store."""
    return EndSession(store, NoRevocations(), timedelta(minutes=15))


def opener(
    store: UserStore, signer: TokenSigner, life: SessionLife = LIFE, now: Callable[[], float] = time.time
) -> SessionOpener:
    """Return a SessionOpener over a store."""
    return SessionOpener(store, signer, end_session(store), life, now)
