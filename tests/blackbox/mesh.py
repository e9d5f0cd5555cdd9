"""A whole mesh: `lensfeed dev` as a process, its output, and connections to its parts."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx
import psutil

from devmesh.parts.valkey import valkey_url
from devmesh.secrets.passwords import load_passwords
from devmesh.supervise import die_with_parent

READY_SECONDS = 400.0
"""Longer than `lensfeed dev` waits for any part, so that its message says which part is late."""

STOP_SECONDS = 90.0
NOT_FOR_MESHES = ("LENSFEED_", "COVERAGE_")
"""Coverage is off in meshes: it is slow, and each service has its own tests."""

KEPT_LINES = 200
_TABLE_ROW = re.compile(r"^  (\S+) +(127\.0\.0\.1:\d+)(?:  metrics \S+)?$")


@dataclass
class Mesh:
    """A running or stopped mesh."""

    data: Path
    process: Process
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    """Each part's address by name: `feed-serve`, `feed-work`, `valkey`, …"""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines of its output."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """What it was configured with, besides the defaults."""

    @property
    def contact_points(self) -> str:
        """Cassandra's address; empty if the mesh runs on SQLite."""
        return self.settings.get("LENSFEED_CASSANDRA_CONTACT_POINTS") or self.addresses.get("cassandra", "")

    @property
    def redis_url(self) -> str:
        """Its Valkey, with the password."""
        passwords = load_passwords(self.data / "secrets.json")
        return valkey_url(int(self.addresses["valkey"].rpartition(":")[2]), passwords.redis_password)

    @property
    def keyspace_prefix(self) -> str:
        """What the names of its keyspaces begin with."""
        return self.settings.get("LENSFEED_CASSANDRA_KEYSPACE_PREFIX", "lensfeed")

    @property
    def address(self) -> str:
        """The edge's host and port."""
        return self.url.removeprefix("http://")

    def process_of(self, words: str) -> psutil.Process:
        """Return the only running part whose command line contains these words, such as `feed_svc work`."""
        found = self.processes_of(words)
        assert len(found) == 1, f"{words}: {found}"
        return found[0]

    def processes_of(self, words: str) -> list[psutil.Process]:
        """Return all of the mesh's processes whose command line contains these words."""
        processes = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in processes if words in " ".join(_command_line(each))]

    async def stop(self) -> int:
        """Send SIGTERM, wait, and return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()


@dataclass(frozen=True)
class Reach:
    """Connections to the edge of a mesh. Implements `tests.protocols.Edge`."""

    http: httpx.AsyncClient
    channel: grpc.aio.Channel


@contextlib.asynccontextmanager
async def running_mesh(
    data: Path, store: str, *arguments: str, stdin: int = DEVNULL, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Mesh]:
    """Run a mesh on a free port until the block ends. Fails with its last output if it does not start."""
    ends_with_us = (sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()))
    command = (sys.executable, "-m", "devmesh", "dev", "--data", str(data), "--port", "0", "--store", store)
    outer = {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_MESHES)}
    process = await asyncio.create_subprocess_exec(
        *ends_with_us, *command, *arguments, stdin=stdin, stdout=PIPE, stderr=STDOUT, env={**outer, **(settings or {})}
    )
    mesh = Mesh(data, process, settings=settings or {})
    ready = asyncio.Event()
    reading = asyncio.create_task(_read(mesh, ready))
    try:
        await _until_ready(mesh, ready)
        yield mesh
    finally:
        if process.returncode is None:
            await mesh.stop()
        await reading


@contextlib.asynccontextmanager
async def reached(mesh: Mesh) -> AsyncIterator[Reach]:
    """Connect to a mesh from outside."""
    async with connected(mesh.url) as reach:
        yield reach


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Reach]:
    """Connect to an edge by its URL."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=30) as http,
        grpc.aio.insecure_channel(url.removeprefix("http://")) as channel,
    ):
        yield Reach(http, channel)


def processes_of(data: Path) -> list[str]:
    """Return every process that uses a data folder as working directory, argument or environment value."""
    return [each.name() for each in psutil.process_iter() if each.pid != os.getpid() and _knows(each, str(data))]


def tracebacks(data: Path) -> list[str]:
    """Return the end of each of a mesh's logs that contains a traceback, from its first one on."""
    logs = list((data / "logs").glob("*.log"))
    assert logs
    parts = [(log.name, log.read_text(errors="replace").partition("Traceback")) for log in logs]
    return [f"{name}: {mark}{rest[:5000]}" for name, (_, mark, rest) in parts if mark]


async def _read(mesh: Mesh, ready: asyncio.Event) -> None:
    assert mesh.process.stdout is not None
    async for line in mesh.process.stdout:
        text = line.decode(errors="replace").rstrip()
        mesh.output.append(text)
        if row := _TABLE_ROW.match(text):
            mesh.addresses[row[1]] = row[2]
        if text.startswith("ready "):
            mesh.url = text.split()[1]
            ready.set()


async def _until_ready(mesh: Mesh, ready: asyncio.Event) -> None:
    waiting = {asyncio.ensure_future(ready.wait()), asyncio.ensure_future(mesh.process.wait())}
    await asyncio.wait(waiting, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    if not ready.is_set():
        raise AssertionError("\n".join(("the mesh did not become ready; it printed:", *mesh.output)))


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _knows(process: psutil.Process, data: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return data in " ".join((process.cwd(), *process.cmdline(), *process.environ().values()))
    except psutil.Error:
        return False
