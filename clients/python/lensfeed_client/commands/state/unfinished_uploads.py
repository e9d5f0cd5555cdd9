"""Interrupted uploads, remembered so that a later run can resume them."""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path

from lensfeed_client.commands.state.state_folder import replace_file, state_folder

_KEPT_SECONDS = 7 * 86_400
"""Servers abandon an upload after a day, so anything older is useless."""


class UnfinishedUploads:
    """The interrupted uploads of one user on one server, one file each so that runs never wait for each other."""

    def __init__(self, url: str, user_id: int) -> None:
        self._of = f"{url}\n{user_id}"
        self._folder = state_folder() / "uploads"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def find(self, path: Path) -> str | None:
        """Return the medium for a file's interrupted upload, or None if there is none or the file has changed."""
        try:
            kept = json.loads(self._file_for(path).read_text())
            return str(kept["mediaId"]) if kept["file"] == _fingerprint(path) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def keep(self, path: Path, media_id: str) -> None:
        """Remember an upload before its first byte is sent."""
        kept = {"path": str(path.resolve()), "file": _fingerprint(path), "mediaId": media_id}
        replace_file(self._file_for(path), json.dumps(kept))
        self._delete_old()

    def forget(self, path: Path) -> None:
        """Delete an upload that has ended."""
        self._file_for(path).unlink(missing_ok=True)

    def _file_for(self, path: Path) -> Path:
        name = hashlib.sha256(f"{self._of}\n{path.resolve()}".encode(errors="surrogateescape")).hexdigest()
        return self._folder / f"{name}.json"

    def _delete_old(self) -> None:
        old = time.time() - _KEPT_SECONDS
        for each in self._folder.iterdir():
            with suppress(OSError):
                if each.stat().st_mtime < old:
                    each.unlink()


def _fingerprint(path: Path) -> list[int]:
    """Return what identifies a file's version, so that parts of two versions are never mixed."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
