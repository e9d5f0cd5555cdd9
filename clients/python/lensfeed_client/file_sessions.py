"""Sessions in a file, for programs that start again and for several that run at once."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

from lensfeed_client.sessions import Session


class FileSessions:
    """Sessions in a file that only its owner can read, shared by any number of threads and processes of one machine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self, url: str) -> Session | None:
        """Return the session at a mesh, as it is now."""
        raise NotImplementedError

    def save(self, session: Session) -> None:
        """Keep a session in the place of the former one at its mesh."""
        raise NotImplementedError

    def forget(self, url: str) -> None:
        """Drop the session at a mesh, if there is one."""
        raise NotImplementedError

    def locked(self) -> AbstractContextManager[None]:
        """Wait until no other thread or process changes the file, and keep it so."""
        raise NotImplementedError
