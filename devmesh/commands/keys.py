"""Implements `lensfeed keys`: manages the keys that sign access tokens."""

import subprocess
import sys
from pathlib import Path

from devmesh.errors import MeshError

KEY_FILE = "token-key.pem"


def rotate(folder: Path) -> str:
    """Add a key to a folder of keys. Returns all keys, one per line. Raises MeshError if it has none."""
    return _run(folder, "rotate")


def drop(folder: Path, key: str) -> str:
    """Drop a stolen key by its id. Returns the keys that are left, one per line. Raises MeshError if there is no such key."""
    return _run(folder, "drop", key)


def _run(folder: Path, command: str, *words: str) -> str:
    if not (folder / KEY_FILE).is_file():
        raise MeshError(
            f"{folder} has no keys; give the folder of a mesh that has run (--data) or a folder of keys (--keys)"
        )
    argv = [sys.executable, "-m", "user_svc", command, str(folder), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise MeshError(f"`keys {command}` failed for {folder}: {done.stderr.strip()}")
    return done.stdout
