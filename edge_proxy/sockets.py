"""Unix sockets of the edge, which only its own user can open."""

import hashlib
import os
import tempfile
from pathlib import Path

from meshkit.settings import SettingsError

# The kernel's limit for a socket's name is 104 bytes on macOS and 108 on Linux, the last one a zero.
MAX_SOCKET_BYTES = 103
PRIVATE = 0o700


def own_socket(edge_dir: Path) -> Path:
    """Return the socket of what the edge answers itself."""
    return _socket(edge_dir, "own.sock")


def admin_socket(edge_dir: Path) -> Path:
    """Return the socket of Envoy's administration."""
    return _socket(edge_dir, "admin.sock")


def make_socket_folder(edge_dir: Path) -> None:
    """Create the folder of the sockets. Raises SettingsError where it belongs to another user."""
    folder = own_socket(edge_dir).parent
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = folder.lstat()
    if folder != edge_dir.absolute() and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise SettingsError(f"LENSFEED_EDGE_DIR: its sockets need {folder}, which another user may open; remove it")


def _socket(edge_dir: Path, name: str) -> Path:
    """Return a socket in the edge's folder, or in a private folder of /tmp where that name is too long for a socket."""
    path = edge_dir.absolute() / name
    if len(os.fsencode(path)) <= MAX_SOCKET_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(edge_dir.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"lensfeed-{os.getuid()}-{digest}" / name
