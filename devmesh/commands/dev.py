"""`lensfeed dev`: a whole mesh on this machine, until Ctrl-C or the end of a command."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devmesh.environment import ignored_settings, shared_environment
from devmesh.errors import MeshError
from devmesh.layout import PORT_COUNT, Layout, chosen_ports
from devmesh.parts.bucket import load_botocore
from devmesh.parts.mesh import Parts, keys_command, parts_of
from devmesh.parts.stores import StoreWish, chosen_store
from devmesh.secrets.certificates import chosen_certificates
from devmesh.secrets.passwords import load_secrets
from devmesh.secrets.token_keys import make_keys
from devmesh.supervise.display import Display
from devmesh.supervise.interrupts import Interrupts
from devmesh.supervise.lock import locked
from devmesh.supervise.run_command import command_environment, run_command
from devmesh.supervise.supervisor import Supervisor
from meshkit.settings import SettingsError, refuse_unknown_names

TELL_SECONDS = 10.0
"""A start that takes longer than this is worth a word, again and again."""


@dataclass(frozen=True)
class DevOptions:
    """What was asked for: see `lensfeed dev --help`."""

    data: Path
    port: int
    base_port: int | None
    exec_command: str | None
    store: StoreWish
    mesh_tls: bool = False


def dev(options: DevOptions) -> int:
    """Run a mesh; the exit code. What stands in its way is told in a sentence on standard error."""
    os.umask(0o077)  # what a mesh writes is for its own user
    try:
        refuse_unknown_names(os.environ)
        with (
            locked(options.data),
            chosen_ports(options.port, options.base_port) as ports,
        ):
            secrets = load_secrets(options.data / "secrets.json")
            store_port = _store_port(options.base_port)
            with chosen_store(
                options.store, options.data, secrets.cassandra_password, store_port, os.environ, _tell
            ) as store:
                tls = chosen_certificates(options.data, os.environ, wanted=options.mesh_tls)
                layout = Layout(options.data, ports, secrets, store, tls)
                return asyncio.run(_run(layout, options.exec_command))
    except (MeshError, SettingsError) as error:
        _tell(str(error))
        return 1
    except KeyboardInterrupt:  # while something was fetched; later on it ends the mesh in order
        return 128 + signal.SIGINT


def _store_port(base: int | None) -> int | None:
    return None if base is None else base + PORT_COUNT


def _tell(text: str) -> None:
    print(f"lensfeed: {text}", file=sys.stderr, flush=True)  # noqa: T201 - a command speaks to its user


async def _run(layout: Layout, exec_command: str | None) -> int:
    env = shared_environment(layout, os.environ)
    parts = parts_of(layout, env)
    display = Display()
    for name in ignored_settings(layout, os.environ):
        display.note(f"{name} is not used: a mesh sets it for its own parts")
    supervisor = Supervisor(parts.groups(), display)
    work = asyncio.ensure_future(_work(layout, parts, supervisor, display, exec_command, env))
    interrupts = Interrupts(work.cancel, supervisor.kill)
    with interrupts.heard():
        try:
            return await work
        except asyncio.CancelledError:
            return 128 + (interrupts.first or 0) if exec_command else 0
        finally:
            display.stopping()
            await supervisor.stop()


async def _work(
    layout: Layout,
    parts: Parts,
    supervisor: Supervisor,
    display: Display,
    exec_command: str | None,
    env: Mapping[str, str],
) -> int:
    with display.starting(parts.in_display_order()):
        telling = asyncio.create_task(_tell_whom_we_wait_for(supervisor, display))
        try:
            await _start(layout, parts, supervisor, env)
        finally:
            telling.cancel()
    display.ready(layout)
    if exec_command is not None:
        return await run_command(exec_command, command_environment(env, layout.url))
    await asyncio.get_running_loop().create_future()  # until cancelled
    return 0


async def _start(layout: Layout, parts: Parts, supervisor: Supervisor, env: Mapping[str, str]) -> None:
    """Start the servers, then all else as soon as there are a Valkey and keys; return when all are ready."""
    supervisor.start((parts.valkey, parts.seaweed, *parts.cassandra))
    await asyncio.gather(make_keys(layout.keys, keys_command(layout, env)), supervisor.ready((parts.valkey,)))
    rest = (*parts.services, *parts.workers, parts.edge)
    supervisor.start(rest)
    await asyncio.gather(asyncio.to_thread(load_botocore), supervisor.ready((parts.seaweed, *parts.cassandra, *rest)))


async def _tell_whom_we_wait_for(supervisor: Supervisor, display: Display) -> None:
    while True:
        await asyncio.sleep(TELL_SECONDS)
        display.waiting(supervisor.awaited())
