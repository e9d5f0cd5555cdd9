"""Who is logged in where, and what keeps it."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

LOCK_SECONDS = 90.0
"""Longer than anybody holds a lock: that is one refresh, with its deadline."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody logged in at one mesh."""

    url: str
    """The mesh's address, as the client was given it."""
    handle: str
    user_id: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """The newest one, good for one refresh; empty while one is under way, or when its answer was lost."""
    expires_at: datetime
    """When the access token ends, in UTC."""


class Sessions(Protocol):
    """Keeps at most one session for each mesh. Every method may be called from any thread."""

    def load(self, url: str) -> Session | None:
        """Return the session at a mesh, as it is now."""
        ...

    def save(self, session: Session) -> None:
        """Keep a session in the place of the former one at its mesh. Call it in `locked`."""
        ...

    def forget(self, url: str) -> None:
        """Drop the session at a mesh, if there is one. Call it in `locked`."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Wait until nobody else who shares these sessions changes them, and keep it so. May be left in another thread.

        Raises TimeoutError where somebody else holds it for longer than any refresh takes.
        """
        ...


class MemorySessions:
    """Sessions that end with the process. Threads may share them."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def load(self, url: str) -> Session | None:
        """Return the session at a mesh, as it is now."""
        return self._sessions.get(url)

    def save(self, session: Session) -> None:
        """Keep a session in the place of the former one at its mesh."""
        self._sessions[session.url] = session

    def forget(self, url: str) -> None:
        """Drop the session at a mesh, if there is one."""
        self._sessions.pop(url, None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other thread changes these sessions, and keep it so."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise TimeoutError
        try:
            yield
        finally:
            self._lock.release()
