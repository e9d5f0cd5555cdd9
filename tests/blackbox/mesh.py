"""A whole mesh: `lensfeed dev` as a process, what it prints, and a way to each of its parts."""

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

from devmesh.supervise import die_with_parent

READY_SECONDS = 260.0
"""Longer than `lensfeed dev` itself waits for any of its parts, so that it says which one is late."""

STOP_SECONDS = 90.0
NOT_FOR_MESHES = ("LENSFEED_", "COVERAGE_")
"""Lines are counted elsewhere: each service has tests of its own, and counting in all processes of a mesh takes long."""

KEPT_LINES = 200
_TABLE_ROW = re.compile(r"^  (\S+) +(127\.0\.0\.1:\d+)$")


@dataclass
class Mesh:
    """A mesh that runs, or has run."""

    data: Path
    process: Process
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    """Where each part listens, by its name: `feed-serve`, `feed-work`, `valkey`, …"""
    output: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    """The last lines of what it printed, on either stream."""

    @property
    def address(self) -> str:
        """The edge's host and port."""
        return self.url.removeprefix("http://")

    def process_of(self, words: str) -> psutil.Process:
        """Find the one running part that has these words in its command line, as `feed_svc work`."""
        found = self.processes_of(words)
        assert len(found) == 1, f"{words}: {found}"
        return found[0]

    def processes_of(self, words: str) -> list[psutil.Process]:
        """Find all processes of the mesh that have these words in their command line."""
        processes = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in processes if words in " ".join(_command_line(each))]

    async def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()


@dataclass(frozen=True)
class Reach:
    """Ways to the edge of a mesh: satisfies `tests.protocols.Edge`."""

    http: httpx.AsyncClient
    channel: grpc.aio.Channel


@contextlib.asynccontextmanager
async def running_mesh(
    data: Path, store: str, *arguments: str, stdin: int = DEVNULL, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Mesh]:
    """Run a mesh until the block ends, on a free port. Fails with its last output where it does not get ready."""
    ends_with_us = (sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()))
    command = (sys.executable, "-m", "devmesh", "dev", "--data", str(data), "--port", "0", "--store", store)
    outer = {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_MESHES)}
    process = await asyncio.create_subprocess_exec(
        *ends_with_us, *command, *arguments, stdin=stdin, stdout=PIPE, stderr=STDOUT, env={**outer, **(settings or {})}
    )
    mesh = Mesh(data, process)
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
    """Connect to a mesh, from outside."""
    async with (
        httpx.AsyncClient(base_url=mesh.url, timeout=30) as http,
        grpc.aio.insecure_channel(mesh.address) as channel,
    ):
        yield Reach(http, channel)


def processes_of(data: Path) -> list[str]:
    """Find every process that works in a data folder, or has it in its command line or environment."""
    return [each.name() for each in psutil.process_iter() if each.pid != os.getpid() and _knows(each, str(data))]


def stumbles(data: Path) -> list[str]:
    """Name the logs of a mesh that tell of an accident: a refusal is none, whatever was asked."""
    logs = list((data / "logs").glob("*.log"))
    assert logs
    return [log.name for log in logs if "Traceback" in log.read_text(errors="replace")]


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
        raise AssertionError("\n".join(("the mesh did not get ready; it printed:", *mesh.output)))


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
