"""Uploads that have begun and not ended, kept so that a later run goes on with them, whatever ended this one."""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path

from lensfeed_client.commands.places import replace_file, state_folder

_KEPT_SECONDS = 7 * 86_400
"""Servers give an upload up after a day; what is older than this is only in the way."""


class UnfinishedUploads:
    """Those of one person at one server. A file of each, so that several runs never wait for each other."""

    def __init__(self, url: str, user_id: int) -> None:
        self._of = f"{url}\n{user_id}"
        self._folder = state_folder() / "uploads"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def find(self, path: Path) -> str | None:
        """Return the medium that a file was being uploaded as; None where there is none, or the file has changed since."""
        try:
            kept = json.loads(self._place(path).read_text())
            return str(kept["mediaId"]) if kept["file"] == _likeness(path) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def keep(self, path: Path, media_id: str) -> None:
        """Remember an upload before its first byte goes."""
        kept = {"path": str(path.resolve()), "file": _likeness(path), "mediaId": media_id}
        replace_file(self._place(path), json.dumps(kept))
        self._tidy()

    def forget(self, path: Path) -> None:
        """Drop an upload that has ended."""
        self._place(path).unlink(missing_ok=True)

    def _place(self, path: Path) -> Path:
        name = hashlib.sha256(f"{self._of}\n{path.resolve()}".encode(errors="surrogateescape")).hexdigest()
        return self._folder / f"{name}.json"

    def _tidy(self) -> None:
        old = time.time() - _KEPT_SECONDS
        for each in self._folder.iterdir():
            with suppress(OSError):
                if each.stat().st_mtime < old:
                    each.unlink()


def _likeness(path: Path) -> list[int]:
    """By which a file is known to be as it was: parts of two versions would make a file that nobody took."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
