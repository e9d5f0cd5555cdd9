"""Implements `lensfeed keys`: manages the keys that sign access tokens."""

import subprocess
import sys
from pathlib import Path

from devmesh.errors import MeshError

KEY_FILE = "token-key.pem"


def rotate(folder: Path) -> str:
    """Add a key to a folder of keys. Returns all keys, one per line. Raises MeshError if it has none."""
    if not (folder / KEY_FILE).is_file():
        raise MeshError(
            f"{folder} has no keys; give the folder of a mesh that has run (--data) or a folder of keys (--keys)"
        )
    command = [sys.executable, "-m", "user_svc", "rotate", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise MeshError(f"cannot rotate the keys in {folder}: {done.stderr.strip()}")
    return done.stdout
