"""Cassandra, alone and in a mesh."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.io.libevreactor import LibevConnection
from cassandra.policies import RoundRobinPolicy
from cassandra.query import tuple_factory

from devmesh.parts.cassandra.cluster import running_cassandra
from devmesh.parts.cassandra.node import node_answers

TABLE = "CREATE TABLE kept.words (word text PRIMARY KEY)"
INSERT = "INSERT INTO kept.words (word) VALUES ('there')"
# Reads by key retry on another replica. A scan would wait for a dead replica until it times out.
SELECT = "SELECT word FROM kept.words WHERE word = 'there'"


class Client:
    """Runs the driver in threads."""

    def __init__(self, session: Any) -> None:
        self._session = session

    async def run(self, *queries: str) -> list[tuple[Any, ...]]:
        """Run queries one by one. Returns the rows of the last one."""
        rows: list[tuple[Any, ...]] = []
        for query in queries:
            rows = list(await asyncio.to_thread(self._session.execute, query))
        return rows


@asynccontextmanager
async def connected(contact_points: str) -> AsyncIterator[Client]:
    """Connect with consistency QUORUM."""
    hosts = [tuple(point.split(":")) for point in contact_points.split(",")]
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(),
        consistency_level=ConsistencyLevel.QUORUM,
        row_factory=tuple_factory,
    )
    cluster = Cluster(
        [host for host, _ in hosts],
        port=int(hosts[0][1]),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connection_class=LibevConnection,
        protocol_version=5,
    )
    try:
        yield Client(await asyncio.to_thread(cluster.connect))
    finally:
        await asyncio.to_thread(cluster.shutdown)


async def test_a_node_keeps_acknowledged_writes(cassandra: str, tmp_path: Path) -> None:
    """Acknowledged writes survive SIGKILL with batch sync, and a paused node recovers."""
    async with running_cassandra(tmp_path, commitlog_sync="batch") as cluster:
        assert cluster.contact_points != cassandra
        [node] = cluster.nodes
        async with connected(cluster.contact_points) as client:
            await client.run(f"CREATE KEYSPACE kept WITH replication = {cluster.replication}", TABLE, INSERT)
        await node.kill()
        with pytest.raises(ConnectionRefusedError):
            await node_answers(node.address, node.port)
        await node.restart()
        async with connected(cluster.contact_points) as client:
            assert await client.run(SELECT) == [("there",)]
        node.pause()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await node_answers(node.address, node.port)
        node.resume()
        await node.answers()


@pytest.mark.faults
async def test_three_nodes_survive_the_loss_of_one(tmp_path: Path) -> None:
    """A quorum writes right after the start, and reads while one node is down."""
    async with running_cassandra(tmp_path, nodes=3) as cluster:
        async with connected(cluster.contact_points) as client:
            await client.run(f"CREATE KEYSPACE kept WITH replication = {cluster.replication}", TABLE, INSERT)
        await cluster.nodes[0].kill()
        async with connected(cluster.contact_points) as client:
            assert await client.run(SELECT) == [("there",)]
        await cluster.nodes[0].restart()
        for node in cluster.nodes:
            await node.sees_all()
