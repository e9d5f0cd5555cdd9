"""Implements `lensfeed dev`: runs a mesh until Ctrl-C or the end of a command."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devmesh.copies import read_copies
from devmesh.environment import ignored_settings, shared_environment
from devmesh.errors import MeshError
from devmesh.layout import Layout, chosen_ports, port_count
from devmesh.parts.mesh import MeshParts, mesh_parts
from devmesh.parts.metrics_targets import write_targets
from devmesh.parts.stores import StoreOptions, chosen_store
from devmesh.secrets.chosen_certificates import chosen_certificates
from devmesh.secrets.passwords import load_passwords
from devmesh.start_mesh import start_mesh
from devmesh.supervise.display import Display
from devmesh.supervise.interrupts import Interrupts
from devmesh.supervise.lock import locked
from devmesh.supervise.run_command import command_environment, run_command
from devmesh.supervise.supervisor import Supervisor
from meshkit.settings import SettingsError, refuse_unknown_names

REPORT_SECONDS = 10.0
"""Report the parts that are not ready this often during a slow start."""


@dataclass(frozen=True)
class DevOptions:
    """Options of `lensfeed dev`; see its --help."""

    data: Path
    port: int
    base_port: int | None
    exec_command: str | None
    store: StoreOptions
    mesh_tls: bool = False
    copies: Sequence[str] = ()


def dev(options: DevOptions) -> int:
    """Run a mesh and return the exit code. Errors are printed as one sentence on standard error."""
    os.umask(0o077)  # what a mesh writes is for its own user
    try:
        refuse_unknown_names(os.environ)
        copies = read_copies(options.copies)
        with (
            locked(options.data),
            chosen_ports(options.port, options.base_port, copies) as ports,
        ):
            passwords = load_passwords(options.data / "secrets.json")
            store_port = None if options.base_port is None else options.base_port + port_count(copies)
            with chosen_store(
                options.store, options.data, passwords.cassandra_password, store_port, os.environ, _tell
            ) as store:
                tls = chosen_certificates(options.data, os.environ, wanted=options.mesh_tls)
                layout = Layout(options.data, ports, passwords, store, tls)
                return asyncio.run(_run(layout, options.exec_command))
    except (MeshError, SettingsError) as error:
        _tell(str(error))
        return 1
    except KeyboardInterrupt:  # during a download; later Ctrl-C stops the mesh in order
        return 128 + signal.SIGINT


def _tell(text: str) -> None:
    print(f"lensfeed: {text}", file=sys.stderr, flush=True)  # noqa: T201 - output of a command


async def _run(layout: Layout, exec_command: str | None) -> int:
    env = shared_environment(layout, os.environ)
    parts = mesh_parts(layout, env)
    write_targets(layout)
    display = Display()
    for name in ignored_settings(layout, os.environ):
        display.note(f"{name} is ignored: the mesh sets it for its parts")
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
    parts: MeshParts,
    supervisor: Supervisor,
    display: Display,
    exec_command: str | None,
    env: Mapping[str, str],
) -> int:
    with display.starting(parts.in_display_order()):
        telling = asyncio.create_task(_report_waiting(supervisor, display))
        try:
            await start_mesh(layout, parts, supervisor, env)
        finally:
            telling.cancel()
    display.ready(layout)
    if exec_command is not None:
        return await run_command(exec_command, command_environment(env, layout.url))
    await asyncio.get_running_loop().create_future()  # until cancelled
    return 0


async def _report_waiting(supervisor: Supervisor, display: Display) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        display.waiting(supervisor.pending())
