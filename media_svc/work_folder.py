"""Private folders for media in progress. Each new one also removes those left by killed workers."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

Purpose = Literal["render", "improve", "video"]
_PREFIXES = {purpose: f"lensfeed-{purpose}-" for purpose in get_args(Purpose)}
_LOCK = ".lock"
# Far longer than it takes to lock a new folder.
_YOUNG_SECONDS = 60


@contextlib.contextmanager
def work_folder(purpose: Purpose) -> Iterator[Path]:
    """Provide an empty, locked private folder, and remove it at the end."""
    remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIXES[purpose], ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / _LOCK).touch()
        # The lock ends with the process, even if that crashes.
        with _locked(folder):
            yield folder


def remove_abandoned(young_seconds: float = _YOUNG_SECONDS) -> None:
    """Remove the folders of dead processes. Folders younger than `young_seconds` may not be locked yet."""
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [Path(entry) for entry in entries if entry.name.startswith(tuple(_PREFIXES.values()))]
    for folder in found:
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_ctime >= young_seconds:
                _remove(folder)


def _remove(folder: Path) -> None:
    if not (folder / _LOCK).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return
    with _locked(folder):
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock. Raises OSError if another process has it or it is gone."""
    lock = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)
