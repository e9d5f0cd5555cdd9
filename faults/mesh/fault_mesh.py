"""Runs a mesh in this process's care, each part with an environment of its own."""

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
from devmesh.parts.mesh import keys_command, mesh_parts
from devmesh.parts.stores import StoreOptions, chosen_store
from devmesh.parts.valkey import valkey_url
from devmesh.secrets.passwords import load_passwords
from devmesh.secrets.token_keys import make_keys
from devmesh.supervise.lock import locked
from devmesh.supervise.part import Part
from devmesh.supervise.readiness import until
from devmesh.supervise.supervisor import SupervisedPart
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
    _environments: Mapping[str, dict[str, str]]

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
        environment = self._environments[name]
        for setting, value in settings.items():
            environment[setting] = value
            if not value:
                del environment[setting]
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
        groups = [[_with_own_environment(part) for part in group] for group in mesh_parts(layout, env).groups()]
        deaths = Deaths()
        parts = {part.name: SupervisedPart(part, deaths) for group in groups for part in group}
        try:
            await _start(layout, groups, parts, env)
            environments = {part.name: _environment(part) for group in groups for part in group}
            yield FaultMesh(layout, deaths, parts, environments)
        finally:
            for group in reversed(groups):
                await asyncio.gather(*(parts[part.name].stop() for part in group))
    finally:
        await asyncio.to_thread(partial(opened.__exit__, None, None, None))


@contextlib.contextmanager
def _layout(data: Path, store: StoreOptions, env: Mapping[str, str], copies: Mapping[str, int]) -> Iterator[Layout]:
    with locked(data), chosen_ports(0, None, copies) as ports:
        passwords = load_passwords(data / "secrets.json")
        with chosen_store(store, data, passwords.cassandra_password, None, env, print) as chosen:
            yield Layout(data, ports, passwords, chosen)


async def _start(
    layout: Layout, groups: list[list[Part]], parts: Mapping[str, SupervisedPart], env: Mapping[str, str]
) -> None:
    """Start the stores, then the rest once Valkey and the keys are ready."""
    stores, rest = [part for group in groups[:2] for part in group], [part for group in groups[2:] for part in group]
    for part in stores:
        parts[part.name].start()
    await asyncio.gather(make_keys(layout.keys, keys_command(layout, env)), parts["valkey"].ready())
    for part in rest:
        parts[part.name].start()
    await asyncio.gather(*(each.ready() for each in parts.values()))


def _with_own_environment(part: Part) -> Part:
    return replace(part, command=replace(part.command, env=dict(part.command.env)))


def _environment(part: Part) -> dict[str, str]:
    environment = part.command.env
    assert isinstance(environment, dict)  # noqa: S101 - made above
    return environment
