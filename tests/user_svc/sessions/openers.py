"""Use cases of sessions over a store, for tests that run no service."""

import time
from collections.abc import Callable
from datetime import timedelta

from user_svc.session import SessionLife
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.guesses import Guesses, GuessLimits
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


class CountsInMemory:
    """Failure counts of one process, without an end."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def add(self, key: str, seconds: int) -> int:  # noqa: ARG002 - the port's
        """Add one, and return the count."""
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]

    async def take_back(self, key: str) -> None:
        """Subtract one."""
        self.counts[key] -= 1


def guesses(store: UserStore) -> Guesses:
    """Limit failed log-ins as by default."""
    return Guesses(store, CountsInMemory(), GuessLimits(handle=20, network=300))
