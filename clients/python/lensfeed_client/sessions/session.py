"""Sessions, and where they are stored."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

LOCK_SECONDS = 90.0
"""Longer than any lock is held, which is for one refresh with its deadline."""


@dataclass(frozen=True, slots=True)
class Session:
    """A user logged in to one mesh."""

    url: str
    """The mesh's address, as passed to the client."""
    handle: str
    user_id: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """The newest one, valid for one refresh."""
    expires_at: datetime
    """When the access token expires, in UTC."""


class Sessions(Protocol):
    """Stores at most one session per mesh. All methods may be called from any thread."""

    def load(self, url: str) -> Session | None:
        """Return the current session for a mesh."""
        ...

    def save(self, session: Session) -> None:
        """Store a session, replacing the one for the same mesh. Call it inside `locked`."""
        ...

    def forget(self, url: str) -> None:
        """Delete the session for a mesh, if any. Call it inside `locked`."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keep everyone else from changing these sessions. May be released in another thread.

        Raises TimeoutError if someone else holds the lock for longer than any refresh takes.
        """
        ...


class MemorySessions:
    """Sessions that end with the process. Threads may share them."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def load(self, url: str) -> Session | None:
        """Return the current session for a mesh."""
        return self._sessions.get(url)

    def save(self, session: Session) -> None:
        """Store a session, replacing the one for the same mesh."""
        self._sessions[session.url] = session

    def forget(self, url: str) -> None:
        """Delete the session for a mesh, if any."""
        self._sessions.pop(url, None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads from changing these sessions."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise TimeoutError
        try:
            yield
        finally:
            self._lock.release()
