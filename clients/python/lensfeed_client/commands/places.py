"""What the command remembers between two runs, and where: in the user's folder for state, readable to its owner alone."""

import os
import stat
from pathlib import Path

import platformdirs

APP = "lensfeed-client"
"""Another name than that of a mesh's data: deleting a mesh to start anew ends no session at another one."""

USUAL_URL = "http://127.0.0.1:8080"
"""Where `lensfeed dev` listens."""


def state_folder() -> Path:
    """Return the folder, and make it where it is missing; nobody else may look into it."""
    folder = Path(platformdirs.user_state_dir(APP, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(stat.S_IRWXU)
    return folder


def sessions_file() -> Path:
    """Return the file of the sessions: one for each server, without any password."""
    return state_folder() / "sessions.json"


def last_url() -> str:
    """Return the server of the last log-in, or the usual one."""
    try:
        return _last_url_file().read_text().strip() or USUAL_URL
    except (OSError, ValueError):
        return USUAL_URL


def remember_url(url: str) -> None:
    """Make a server the one that is meant where none is named."""
    replace_file(_last_url_file(), f"{url}\n")


def replace_file(path: Path, text: str) -> None:
    """Write a small file so that a crash leaves the old one or the new one, whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _last_url_file() -> Path:
    return state_folder() / "last-url"
