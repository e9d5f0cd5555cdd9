"""Sessions in a file, shared by processes and kept between runs."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from lensfeed_client.sessions.session import LOCK_SECONDS, Session

_PRIVATE_FOLDER = 0o700


class FileSessions:
    """Sessions in a file that only its owner can read, for any number of threads and processes on one machine.

    The file is replaced atomically, so readers never see half of it. Its lock file has the same name with `.lock` appended.
    A damaged file counts as empty: the user has to log in again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser().absolute()

    def load(self, url: str) -> Session | None:
        """Return the current session for a mesh."""
        kept = self._read().get(url)
        try:
            return Session(**{**kept, "expires_at": datetime.fromisoformat(kept["expires_at"])}) if kept else None
        except (KeyError, TypeError, ValueError):
            return None

    def save(self, session: Session) -> None:
        """Store a session, replacing the one for the same mesh."""
        self._write({**self._read(), session.url: {**asdict(session), "expires_at": session.expires_at.isoformat()}})

    def forget(self, url: str) -> None:
        """Delete the session for a mesh, if any."""
        kept = self._read()
        if kept.pop(url, None) is not None:
            self._write(kept)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from changing the file."""
        self._path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        # A new lock object each time, because one object would admit several threads of this process.
        with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS, thread_local=False):
            yield

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: dict[str, Any]) -> None:
        # tempfile creates it with mode 0600. Sync it before replacing the old file, whose refresh token no longer works.
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
