"""Real Valkey clusters for tests."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from devmesh.parts.valkey import valkey_command
from devmesh.ports import LOOPBACK, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import valkey_answers
from devmesh.supervise.running import running

# After this long without a sign a node counts as dead. Short, but not too short for a busy machine.
NODE_TIMEOUT_MS = 2_000
# Only so that a failing test ends.
LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Node:
    """One process of a cluster."""

    folder: Path
    port: int
    bus_port: int

    @property
    def address(self) -> str:
        """Its host:port."""
        return f"{LOOPBACK}:{self.port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Run it with the data in its folder; gives its process id."""
        async with running("Valkey", self._command(), partial(valkey_answers, self.port, None)) as child:
            yield child.pid

    async def ask(self, *command: str | int) -> Any:
        """Send a command to this node."""
        async with Redis(port=self.port, decode_responses=True) as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # it has no types

    def _command(self) -> Command:
        command = valkey_command(self.folder, self.port, None, self.folder / "valkey.log", os.environ)
        with (self.folder / "valkey.conf").open("a") as config:
            config.write(
                f"cluster-enabled yes\ncluster-port {self.bus_port}\ncluster-node-timeout {NODE_TIMEOUT_MS}\n"
                # Without one master, the others still work. Production is configured like this.
                "cluster-require-full-coverage no\n"
            )
        return command


@dataclass(frozen=True)
class ValkeyCluster:
    """Masters that share all slots evenly, and optionally a replica of the first."""

    masters: tuple[Node, ...]
    replica: Node | None
    pids: Mapping[Node, int]

    @property
    def url(self) -> str:
        """The address for clients."""
        return "redis+cluster://" + ",".join(node.address for node in self.masters)

    def owner(self, key: str) -> Node:
        """Return the master that had a key's slot in the beginning."""
        return self.masters[key_slot(key.encode()) * len(self.masters) // REDIS_CLUSTER_HASH_SLOTS]

    def other(self, node: Node) -> Node:
        """Return another master."""
        return self.masters[self.masters.index(node) - 1]

    async def begin_move(self, slot: int, source: Node, target: Node) -> None:
        """Begin to move a slot; its keys go one by one, by `move_keys`."""
        await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", await source.ask("CLUSTER", "MYID"))
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", await target.ask("CLUSTER", "MYID"))

    async def move_keys(self, source: Node, target: Node, *keys: str) -> None:
        """Move keys of a slot that is on the move."""
        await source.ask("MIGRATE", LOOPBACK, target.port, "", 0, 5_000, "KEYS", *keys)

    async def end_move(self, slot: int, source: Node, target: Node) -> None:
        """Move what keys are left, and the slot itself."""
        while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            await self.move_keys(source, target, *keys)
        target_id = await target.ask("CLUSTER", "MYID")
        for node in (target, source, *self.masters):
            await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)

    async def until_agreed(self) -> None:
        """Wait until all nodes report a healthy cluster."""
        nodes = [*self.masters, *([self.replica] if self.replica else [])]
        async with asyncio.timeout(LIMIT_SECONDS):
            while not all([await _is_well(node, len(nodes)) for node in nodes]):  # noqa: ASYNC110 - it raises no event here
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running_cluster(folder: Path, *, with_replica: bool = False) -> AsyncIterator[ValkeyCluster]:
    """Run a cluster of three masters on free ports, with its data in `folder`."""
    async with contextlib.AsyncExitStack() as stack:
        count = 4 if with_replica else 3
        ports = stack.enter_context(reserved_ports(2 * count))
        nodes = [Node(folder / str(port), port, bus) for port, bus in zip(ports[:count], ports[count:], strict=True)]
        pids = {node: await stack.enter_async_context(node.running()) for node in nodes}
        cluster = ValkeyCluster(tuple(nodes[:3]), nodes[3] if with_replica else None, pids)
        await _join(cluster)
        yield cluster


async def _join(cluster: ValkeyCluster) -> None:
    first, *others = cluster.masters
    size = REDIS_CLUSTER_HASH_SLOTS
    starts = [-(-size * number // len(cluster.masters)) for number in range(len(cluster.masters) + 1)]
    for node, start, end in zip(cluster.masters, starts, starts[1:], strict=False):
        await node.ask("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
    if cluster.replica:
        others.append(cluster.replica)
    for node in others:
        await first.ask("CLUSTER", "MEET", LOOPBACK, node.port, node.bus_port)
    if cluster.replica:
        await _follow(cluster.replica, await first.ask("CLUSTER", "MYID"))
    await cluster.until_agreed()


async def _follow(replica: Node, master_id: str) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while master_id not in await replica.ask("CLUSTER", "NODES"):  # noqa: ASYNC110 - it raises no event here
            await asyncio.sleep(0.05)
    await replica.ask("CLUSTER", "REPLICATE", master_id)


async def _is_well(node: Node, count: int) -> bool:
    said = set((await node.ask("CLUSTER", "INFO")).split())
    serving = {server[1] for section in await node.ask("CLUSTER", "SLOTS") for server in section[2:]}
    wanted = {"cluster_state:ok", f"cluster_slots_assigned:{REDIS_CLUSTER_HASH_SLOTS}"}
    return said >= wanted and len(serving) == count
