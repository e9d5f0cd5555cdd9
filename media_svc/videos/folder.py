"""Folders for films that are being worked on. They are large, so that what a crash leaves is removed by whoever comes next."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "lensfeed-video-"
_LOCK = ".lock"
# Between a folder is made and its lock is held; far longer than that takes.
_YOUNG_SECONDS = 60


@contextlib.contextmanager
def video_folder() -> Iterator[Path]:
    """Give a private folder with nothing in it but its lock, and remove it and all in it at the end."""
    remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / _LOCK).touch()
        # The lock goes with the process, however that ends.
        with _locked(folder):
            yield folder


def remove_abandoned(young_seconds: float = _YOUNG_SECONDS) -> None:
    """Remove the folders of processes that are gone, but for those that are only just being made."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
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
    """Hold a folder's lock. Raises OSError where somebody has it, or where it is gone."""
    lock = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)
