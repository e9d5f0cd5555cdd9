"""Runs a mesh in this process's care. Each part can be started again with other settings."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from devmesh.environment import shared_environment
from devmesh.layout import Layout, chosen_ports
from devmesh.parts.mesh import mesh_parts
from devmesh.parts.stores import StoreOptions, chosen_store
from devmesh.parts.valkey import valkey_url
from devmesh.secrets.passwords import load_passwords
from devmesh.start_mesh import start_mesh
from devmesh.supervise.lock import locked
from devmesh.supervise.part import Part
from devmesh.supervise.readiness import until
from devmesh.supervise.supervisor import SupervisedPart, Supervisor
from faults.mesh.deaths import Deaths

CRASHPOINT = "LENSFEED_CRASHPOINT"
RESTART_SECONDS = 120.0
"""How long a part may take to answer after a fault is over. A crash loop makes the supervisor wait 10 s between starts."""


@dataclass(frozen=True)
class FaultMesh:
    """A running mesh. Its parts have the names that `lensfeed dev` shows, such as `feed-work` and `valkey`."""

    layout: Layout
    deaths: Deaths
    _parts: Mapping[str, SupervisedPart]

    @property
    def url(self) -> str:
        """What apps call."""
        return self.layout.url

    @property
    def redis_url(self) -> str:
        """Its Valkey."""
        return valkey_url(self.layout.ports.valkey, self.layout.passwords.redis_password)

    @property
    def names(self) -> list[str]:
        """All parts."""
        return list(self._parts)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a part and its descendants. A part that it kills is restarted."""
        if (pid := self._parts[name].pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)

    async def kill(self, name: str) -> None:
        """Kill a part (SIGKILL), and leave it dead until it is started."""
        self._parts[name].kill()
        await self._parts[name].stop()

    async def stop(self, *names: str) -> None:
        """Stop parts in order, and leave them stopped."""
        await asyncio.gather(*(self._parts[name].stop() for name in names))

    async def start(self, *names: str) -> None:
        """Start stopped parts, and wait until they answer."""
        for name in names:
            self._parts[name].start()
        await self.answers(*names)

    async def answers(self, *names: str) -> None:
        """Wait until these parts answer, or all of them. Raises TimeoutError."""
        async with asyncio.timeout(RESTART_SECONDS):
            await asyncio.gather(*(until(self._parts[name].part.check) for name in names or self._parts))

    async def restart_with(self, name: str, **settings: str) -> None:
        """Stop a part in order and start it with other settings; an empty one is left out."""
        await self.stop(name)
        self._parts[name].part = _with_settings(self._parts[name].part, settings)
        await self.start(name)

    async def arm(self, name: str, crash_point: str) -> None:
        """Restart a part so that it kills itself at a place: `event.handled:20`."""
        await self.restart_with(name, **{CRASHPOINT: crash_point})

    async def disarm(self, name: str) -> None:
        """Restart a part so that it kills itself no more."""
        await self.restart_with(name, **{CRASHPOINT: ""})


@contextlib.asynccontextmanager
async def running_fault_mesh(
    data: Path, store: str, settings: Mapping[str, str], copies: Mapping[str, int]
) -> AsyncIterator[FaultMesh]:
    """Run a mesh on free ports until the block ends. All of its parts are ready. `copies`: how many of some parts."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("LENSFEED_", "COVERAGE_"))}
    opened = _layout(data, StoreOptions(store), outer, copies)
    layout = await asyncio.to_thread(opened.__enter__)  # Cassandra's program is found with a loop of its own
    try:
        env = shared_environment(layout, {**outer, **settings})
        parts, deaths = mesh_parts(layout, env), Deaths()
        supervisor = Supervisor(parts.groups(), deaths)
        try:
            await start_mesh(layout, parts, supervisor, env)
            yield FaultMesh(layout, deaths, supervisor.by_name())
        finally:
            await supervisor.stop()
    finally:
        await asyncio.to_thread(partial(opened.__exit__, None, None, None))


@contextlib.contextmanager
def _layout(data: Path, store: StoreOptions, env: Mapping[str, str], copies: Mapping[str, int]) -> Iterator[Layout]:
    with locked(data), chosen_ports(0, None, copies) as ports:
        passwords = load_passwords(data / "secrets.json")
        with chosen_store(store, data, passwords.cassandra_password, None, env, print) as chosen:
            yield Layout(data, ports, passwords, chosen)


def _with_settings(part: Part, settings: Mapping[str, str]) -> Part:
    """Return a part with other settings in its environment, without those that are empty."""
    others = {name: value for name, value in part.command.env.items() if name not in settings}
    env = others | {name: value for name, value in settings.items() if value}
    return replace(part, command=replace(part.command, env=env))
