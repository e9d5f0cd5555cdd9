"""One mesh a data folder."""

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
    """Hold a folder for this process, and make it. Raises MeshError where another process holds it, or other users can open it.

    The kernel lets go of it when the process ends, however it ends.
    """
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        _refuse_if_open(folder)
        file = (folder / _NAME).open("a+")
    except OSError as error:
        raise MeshError(f"the data folder {folder} cannot be used: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise MeshError(
                f"a mesh runs on {folder} already (process {holder}); stop it, or give another folder with --data"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(folder: Path) -> bool:
    """Tell whether a process holds a folder. Leaves nothing behind, and hinders nobody for longer than a moment."""
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
    """Raise MeshError where other users of this machine could read what a mesh keeps."""
    found = folder.stat()
    if found.st_uid != os.getuid():
        raise MeshError(f"the data folder {folder} belongs to another user; give another one with --data")
    if found.st_mode & 0o077:
        raise MeshError(
            f"the data folder {folder} is open to other users of this machine (mode {found.st_mode & 0o777:o}), and it holds "
            f"password hashes, keys and original photos; close it with: chmod -R go= {folder}"
        )
