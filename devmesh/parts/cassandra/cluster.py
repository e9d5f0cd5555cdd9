"""Runs a Cassandra cluster without a mesh. Its nodes can be killed, paused and restarted."""

import asyncio
import contextlib
import os
import signal
import time
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
    """A node that can be killed, paused and restarted."""

    def __init__(self, address: str, port: int, command: Command) -> None:
        self.address = address
        self.port = port
        self._command = command
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The node's process id."""
        return self._running.pid

    async def start(self) -> None:
        """Start the node on its data. Wait for `answers` before using it."""
        self._child = await Child.start(self._command)

    async def answers(self) -> None:
        """Wait until the node serves clients. Raises NotReady if it exits or takes too long."""
        await self._holds(partial(node_answers, self.address, self.port))

    async def sees_all(self) -> None:
        """Wait until the node sees all three nodes. Raises NotReady as `answers` does."""
        await self._holds(partial(node_sees_all, self.address, self.port))

    async def kill(self) -> None:
        """Send SIGKILL and wait for the exit."""
        self._running.kill()
        await self._running.exited()

    def pause(self) -> None:
        """Send SIGSTOP and wait until every thread has stopped. Connections stay open without answers."""
        os.kill(self.pid, signal.SIGSTOP)
        while not _is_stopped(self.pid):
            time.sleep(0.001)

    def resume(self) -> None:
        """Continue after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    async def stop(self) -> None:
        """Shut the node down cleanly. Repeatable."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self.resume()
            await self._child.stop(STOP_SECONDS)

    async def restart(self) -> None:
        """Stop the node if it runs, start it and wait until it answers."""
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
    """Run a cluster on free ports with its data in `folder`. On entry every node answers and sees the others.

    A later cluster on the same folder has the same data. The options are those of ClusterShape. Raises MeshError if
    Java or Maven is missing.
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


def _is_stopped(pid: int) -> bool:
    try:
        threads = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    except FileNotFoundError:  # a thread has just ended
        return False
    return all(each.rpartition(")")[2].split()[0] == "T" for each in threads)


def _cluster(shape: ClusterShape, folder: Path, program: Program) -> CassandraCluster:
    nodes = []
    for number, address in enumerate(shape.addresses):
        place = folder / f"node{number + 1}"
        command = node_command(shape, number, place, program, place / "cassandra.log", os.environ)
        nodes.append(CassandraNode(address, shape.native_port, command))
    return CassandraCluster(shape, nodes)
