"""`lensfeed keys`: the keys that sign access tokens."""

import subprocess
import sys
from pathlib import Path

from devmesh.errors import MeshError

KEY_FILE = "token-key.pem"


def rotate(folder: Path) -> str:
    """Add a key to a folder of keys; returns all of them, a line each. Raises MeshError where there are none."""
    if not (folder / KEY_FILE).is_file():
        raise MeshError(
            f"there are no keys in {folder}: name the folder of a mesh that has run (--data), or one of keys (--keys)"
        )
    command = [sys.executable, "-m", "user_svc", "rotate", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        raise MeshError(f"the keys in {folder} cannot be rotated: {done.stderr.strip()}")
    return done.stdout
