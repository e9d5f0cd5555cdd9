"""Removes the sockets that a killed SeaweedFS leaves in /tmp, named by port."""

import contextlib
import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path

SOCKETS = Path("/tmp")  # noqa: S108 - SeaweedFS's choice
PATTERN = "seaweedfs-*.sock"

YOUNG_SECONDS = 60.0
"""A younger socket may belong to a server that is just starting."""


def remove_sockets(ports: Iterable[int]) -> None:
    """Remove the sockets of a killed server with these ports."""
    names = {str(port) for port in ports}
    for path in SOCKETS.glob(PATTERN):
        if path.stem.rpartition("-")[2] in names:
            path.unlink(missing_ok=True)


def remove_dead_sockets() -> None:
    """Remove sockets of this user that nobody listens on."""
    for path in SOCKETS.glob(PATTERN):
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > YOUNG_SECONDS and _is_dead(path):
                path.unlink(missing_ok=True)


def _is_dead(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
