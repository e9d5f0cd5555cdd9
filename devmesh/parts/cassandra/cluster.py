"""The real Cassandra alone: a cluster of one or three nodes, with handles for what may happen to a node."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from devmesh.errors import NotReady
from devmesh.parts.cassandra.jars import Program, find_program
from devmesh.parts.cassandra.node import (
    REPLICAS,
    START_SECONDS,
    STOP_SECONDS,
    ClusterShape,
    CommitlogSync,
    node_answers,
    node_command,
    node_sees_all,
)
from devmesh.parts.cassandra.ports import cluster_ports
from devmesh.supervise.process import Child, Command
from devmesh.supervise.readiness import Check
from devmesh.supervise.running import wait_ready


class CassandraNode:
    """One node, and what may happen to it."""

    def __init__(self, address: str, port: int, command: Command) -> None:
        self.address = address
        self.port = port
        self._command = command
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The process id of its Java."""
        return self._running.pid

    async def start(self) -> None:
        """Start it on the data that it has. It runs on return, and answers later: see `answers`."""
        self._child = await Child.start(self._command)

    async def answers(self) -> None:
        """Return once it serves its clients. Raises NotReady where it ends before, or takes too long."""
        await self._holds(partial(node_answers, self.address, self.port))

    async def sees_all(self) -> None:
        """Return once it sees all nodes of three. Raises NotReady as `answers` does."""
        await self._holds(partial(node_sees_all, self.address, self.port))

    async def kill(self) -> None:
        """SIGKILL; on return it is gone."""
        self._running.kill()
        await self._running.exited()

    def pause(self) -> None:
        """SIGSTOP: its connections stay, and nothing answers on them."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Stop it in order: it flushes, and tells the others. Repeatable."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self.resume()
            await self._child.stop(STOP_SECONDS)

    async def restart(self) -> None:
        """Stop it unless that has happened, start it again, and return once it answers."""
        await self.stop()
        await self.start()
        await self.answers()

    @property
    def _running(self) -> Child:
        if self._child is None:
            raise NotReady(f"the node at {self.address} was never started", timed_out=False)
        return self._child

    async def _holds(self, check: Check) -> None:
        try:
            await wait_ready(f"Cassandra at {self.address}", self._running, check, START_SECONDS)
        except NotReady as error:
            error.add_note(self._running.log_tail())
            raise


class CassandraCluster:
    """A running cluster."""

    def __init__(self, shape: ClusterShape, nodes: list[CassandraNode]) -> None:
        self.nodes = nodes
        self.contact_points = shape.contact_points
        self.replication = shape.replication


@contextlib.asynccontextmanager
async def running_cassandra(
    folder: Path,
    nodes: int = 1,
    heap: str = "512m",
    commitlog_sync: CommitlogSync = "periodic",
    *,
    survives_kill: bool = True,
    authenticator: str = "AllowAllAuthenticator",
    extra: str = "",
) -> AsyncIterator[CassandraCluster]:
    """Run a cluster of its own on free ports, with its data in `folder`; every node answers and sees the others.

    On the same folder a later cluster has the data of the earlier one. The options are those of ClusterShape. Raises
    MeshError where Java or Maven is missing.
    """
    program = await find_program(os.environ)
    with cluster_ports(folder) as (native, storage):
        shape = ClusterShape(nodes, native, storage, heap, commitlog_sync, survives_kill, authenticator, extra)
        cluster = _cluster(shape, folder, program)
        try:
            await asyncio.gather(*(node.start() for node in cluster.nodes))
            await asyncio.gather(*(node.answers() for node in cluster.nodes))
            if nodes == REPLICAS:
                await asyncio.gather(*(node.sees_all() for node in cluster.nodes))
            yield cluster
        finally:
            await asyncio.gather(*(node.stop() for node in cluster.nodes))


def _cluster(shape: ClusterShape, folder: Path, program: Program) -> CassandraCluster:
    nodes = []
    for number, address in enumerate(shape.addresses):
        place = folder / f"node{number + 1}"
        command = node_command(shape, number, place, program, place / "cassandra.log", os.environ)
        nodes.append(CassandraNode(address, shape.native_port, command))
    return CassandraCluster(shape, nodes)
