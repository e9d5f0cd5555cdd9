"""Helpers for tests of the supervisor."""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from devmesh.ports import address, free_ports
from devmesh.supervise.part import Part
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.reporter import State

SMALL_SERVER = Path(__file__).with_name("small_server.py")


@dataclass
class Recorder:
    """Records what a supervisor reports."""

    states: list[tuple[str, State]] = field(default_factory=list)
    deaths: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)

    def status(self, part: Part, state: State) -> None:
        """Record a state."""
        self.states.append((part.name, state))

    def died(self, part: Part, why: str, log_tail: str, restart_seconds: float) -> None:
        """Record why a part died and the end of its log."""
        assert part.name in why
        assert restart_seconds > 0
        self.deaths.put_nowait((why, log_tail))


def small_part(folder: Path, behaviour: str, name: str = "small", grace: float = 10.0) -> Part:
    """Create a part that runs the small server."""
    [port] = free_ports(1)
    env = {**os.environ, "LENSFEED_LISTEN_ADDR": address(port), "NAME": name, "NOTES": str(folder / "notes")}
    command = Command((sys.executable, str(SMALL_SERVER), behaviour), env, folder, folder / f"{name}.log")
    return Part(name, command, partial(grpc_serving, port), address(port), grace=grace)


def pids_of(part: Part) -> list[int]:
    """Find the processes of a part by its unique address."""
    return [process.pid for process in psutil.process_iter() if _listens_at(process) == part.address]


def is_running(pid: int) -> bool:
    """Return whether a process runs and is not a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _listens_at(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("LENSFEED_LISTEN_ADDR")
    except psutil.Error:
        return None
