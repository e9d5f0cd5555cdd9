"""Filters whose configuration is a file of its own, because they hold keys that change while Envoy runs.

Envoy reads a key set once, but reloads a filter's configuration when another file is moved into its place. Connections and
calls are not disturbed.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from edge_proxy.json_types import Json, typed
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError

KIND = "extensions.filters.http.jwt_authn.v3.JwtAuthentication"
# How often a key file is checked. A new key is used only minutes later.
POLL_SECONDS = 2.0


def filter_from_file(settings: EdgeSettings, name: str) -> Json:
    """Render a filter of tokens whose configuration is in its file."""
    return {
        "name": name,
        "config_discovery": {
            "config_source": {
                "path_config_source": {"path": str(_path(settings, name))},
                "resource_api_version": "V3",
            },
            "type_urls": [f"type.googleapis.com/envoy.{KIND}"],
        },
    }


def write_filter_file(settings: EdgeSettings, name: str, **config: object) -> None:
    """Write, or replace, the file of a filter."""
    resource = typed("config.core.v3.TypedExtensionConfig", name=name, typed_config=typed(KIND, **config))
    path = _path(settings, name)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"resources": [resource]}, indent=1))
    fresh.rename(path)


async def watch_key_file(file: Path, write: Callable[[], None], kept: str) -> None:
    """Call `write` whenever a key file changes. If it raises SettingsError, nothing changes, and `kept` is logged."""
    known = _version(file)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if (version := _version(file)) not in {known, None}:
            known = version
            try:
                write()
            except SettingsError as error:
                sys.stderr.write(f"{error}; {kept}\n")


def _path(settings: EdgeSettings, name: str) -> Path:
    return settings.edge_dir.absolute() / f"{name}.json"


def _version(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
