"""Sessions in a file, for programs that start again and for several that run at once."""

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

from lensfeed_client.sessions import LOCK_SECONDS, Session

_PRIVATE_FOLDER = 0o700


class FileSessions:
    """Sessions in a file that only its owner can read, shared by any number of threads and processes of one machine.

    The file is replaced as a whole, so that nobody ever reads half of one. Beside it lies an empty `….lock`. A file that is
    damaged counts as an empty one: log in again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser().absolute()

    def load(self, url: str) -> Session | None:
        """Return the session at a mesh, as it is now."""
        kept = self._read().get(url)
        try:
            return Session(**{**kept, "expires_at": datetime.fromisoformat(kept["expires_at"])}) if kept else None
        except (KeyError, TypeError, ValueError):
            return None

    def save(self, session: Session) -> None:
        """Keep a session in the place of the former one at its mesh."""
        self._write({**self._read(), session.url: {**asdict(session), "expires_at": session.expires_at.isoformat()}})

    def forget(self, url: str) -> None:
        """Drop the session at a mesh, if there is one."""
        kept = self._read()
        if kept.pop(url, None) is not None:
            self._write(kept)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other thread or process changes the file, and keep it so."""
        self._path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        # A new one each time: one alone would let its own threads in together.
        with FileLock(f"{self._path}.lock", timeout=LOCK_SECONDS, thread_local=False):
            yield

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: dict[str, Any]) -> None:
        # Made with 0600 by tempfile. It must be on the disk before it counts: the former refresh token is good for nothing now.
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
