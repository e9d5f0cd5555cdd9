"""Locks a data folder, so that only one mesh uses it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from devmesh.errors import MeshError

_NAME = "lock"
PRIVATE = 0o700


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Create and lock a folder. Raises MeshError if another process has locked it or other users can open it.

    The kernel releases the lock when the process exits.
    """
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        _refuse_if_open(folder)
        file = (folder / _NAME).open("a+")
    except OSError as error:
        raise MeshError(f"cannot use the data folder {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise MeshError(
                f"a mesh is already running on {folder} (process {holder}); stop it, or use another folder with --data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(folder: Path) -> bool:
    """Return whether a process has locked a folder."""
    try:
        file = (folder / _NAME).open()
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _refuse_if_open(folder: Path) -> None:
    """Raise MeshError if other users of this machine can open the folder."""
    found = folder.stat()
    if found.st_uid != os.getuid():
        raise MeshError(f"the data folder {folder} belongs to another user; give another one with --data")
    if found.st_mode & 0o077:
        raise MeshError(
            f"the data folder {folder} is open to other users of this machine (mode {found.st_mode & 0o777:o}), and it holds "
            f"password hashes, keys and original photos; close it with: chmod -R go= {folder}"
        )
