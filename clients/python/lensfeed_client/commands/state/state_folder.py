"""The state that the command keeps between runs, in the user's state folder and readable only by them."""

import os
import stat
from pathlib import Path

import platformdirs

APP = "lensfeed-client"
"""Differs from the name of a mesh's data folder, so that deleting a mesh's data keeps other sessions."""

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where `lensfeed dev` listens."""


def state_folder() -> Path:
    """Return the state folder, creating it if necessary. Only its owner can read it."""
    folder = Path(platformdirs.user_state_dir(APP, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(stat.S_IRWXU)
    return folder


def sessions_file() -> Path:
    """Return the sessions file, which has one session per server and no passwords."""
    return state_folder() / "sessions.json"


def last_url() -> str:
    """Return the server of the last login, or the default one."""
    try:
        return _last_url_file().read_text().strip() or DEFAULT_URL
    except (OSError, ValueError):
        return DEFAULT_URL


def remember_url(url: str) -> None:
    """Make this the default server for later commands."""
    replace_file(_last_url_file(), f"{url}\n")


def replace_file(path: Path, text: str) -> None:
    """Write a small file atomically and durably."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _last_url_file() -> Path:
    return state_folder() / "last-url"
