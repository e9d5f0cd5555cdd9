"""Finds the Redis that a command works on."""

import re
from pathlib import Path

from devmesh.errors import MeshError
from devmesh.folders import STORES, default_folder
from devmesh.parts.valkey import CONFIG_FILE, valkey_url
from devmesh.supervise.lock import is_locked


def find_redis(url: str | None, data: Path | None) -> str:
    """Return the given URL, or that of the mesh running on a folder. Raises MeshError if none runs."""
    if url:
        return url
    folders = [data.expanduser().absolute()] if data else [default_folder(store) for store in STORES]
    for folder in folders:
        if is_locked(folder) and (found := _url_of(folder)):
            return found
    raise MeshError(
        f"no mesh is running on {' or '.join(map(str, folders))}; give its folder with --data or a Redis with --redis"
    )


def _url_of(folder: Path) -> str | None:
    try:
        config = (folder / "valkey" / CONFIG_FILE).read_text()
    except OSError:
        return None
    port = re.search(r"^port (\d+)$", config, re.MULTILINE)
    password = re.search(r"^requirepass (\w+)$", config, re.MULTILINE)
    return valkey_url(int(port[1]), password[1]) if port and password else None
