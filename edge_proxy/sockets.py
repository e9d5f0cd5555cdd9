"""The edge's Unix sockets, which only its user can open."""

import hashlib
import os
import tempfile
from pathlib import Path

from meshkit.settings import SettingsError

# A socket path may have 104 bytes on macOS and 108 on Linux, including the final zero.
MAX_SOCKET_BYTES = 103
PRIVATE = 0o700


def builtin_socket(edge_dir: Path) -> Path:
    """Return the socket of the edge's own gRPC server."""
    return _socket(edge_dir, "own.sock")


def admin_socket(edge_dir: Path) -> Path:
    """Return the socket of Envoy's admin API."""
    return _socket(edge_dir, "admin.sock")


def make_socket_folder(edge_dir: Path) -> None:
    """Create the folder of the sockets. Raises SettingsError if other users can open it."""
    folder = builtin_socket(edge_dir).parent
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = folder.lstat()
    if folder != edge_dir.absolute() and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise SettingsError(f"LENSFEED_EDGE_DIR: its sockets need {folder}, which other users can open; remove it")


def _socket(edge_dir: Path, name: str) -> Path:
    """Return a socket in the edge's folder, or in a private folder of /tmp if that path is too long."""
    path = edge_dir.absolute() / name
    if len(os.fsencode(path)) <= MAX_SOCKET_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(edge_dir.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"lensfeed-{os.getuid()}-{digest}" / name
