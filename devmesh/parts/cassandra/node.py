"""Configures a Cassandra node and builds its command line."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal

from devmesh.errors import MeshError
from devmesh.parts.cassandra.cql_probe import Consistency, cql_answers
from devmesh.parts.cassandra.jars import Program
from devmesh.supervise.process import Command

CommitlogSync = Literal["periodic", "batch"]

RESOURCES = Path(__file__).with_name("conf")

START_SECONDS = 180.0
"""A start takes six CPU seconds. Three nodes on a busy machine take much longer."""

STOP_SECONDS = 20.0
"""It flushes its tables on exit. If it is killed, the commit log keeps writes up to the last sync."""

SYNC = {"periodic": "commitlog_sync: periodic\ncommitlog_sync_period: 10s", "batch": "commitlog_sync: batch"}
RING = 2**64

ANSWERS = "SELECT key FROM system.local"
SEES_ALL = "SELECT * FROM system_distributed.view_build_status LIMIT 1"
"""At consistency ALL, a node answers this only if it sees all three replicas of the table."""

REPLICAS = 3


@dataclass(frozen=True)
class ClusterShape:
    """Settings that all nodes of a cluster share.

    `heap` is for -Xmx, at least 128m. `commitlog_sync`: "batch" acknowledges a write once it is on disk; with "periodic",
    a killed node loses up to 10 s of writes. `survives_kill`: without it, tables are created six times as fast, but a
    killed node may lose them. `authenticator` is a Cassandra class name. `extra` is appended to cassandra.yaml.
    """

    nodes: int
    native_port: int
    storage_port: int
    heap: str = "512m"
    commitlog_sync: CommitlogSync = "periodic"
    survives_kill: bool = True
    authenticator: str = "AllowAllAuthenticator"
    extra: str = ""

    @property
    def addresses(self) -> list[str]:
        """The address of each node. All nodes use the same ports."""
        return [f"127.0.0.{number}" for number in range(1, self.nodes + 1)]

    @property
    def contact_points(self) -> str:
        """The clients' addresses as comma-separated host:port."""
        return ",".join(f"{address}:{self.native_port}" for address in self.addresses)

    @property
    def replication(self) -> dict[str, str | int]:
        """The replication of keyspaces, for CREATE KEYSPACE."""
        return {"class": "SimpleStrategy", "replication_factor": min(self.nodes, REPLICAS)}


def node_command(
    shape: ClusterShape, number: int, folder: Path, program: Program, log: Path, env: Mapping[str, str]
) -> Command:
    """Write the configuration of node `number` (from 0) to `folder`, its data folder, and return its command.

    Raises MeshError if this machine lacks the node's address.
    """
    _require_address(shape.addresses[number])
    conf = folder.absolute() / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "cassandra.yaml").write_text(_config(shape, number))
    (conf / "logback.xml").write_text(_resource("logback.xml"))
    argv = (
        str(program.java),
        "-Xms128m",  # it can grow; as root, Cassandra locks its initial heap in memory
        f"-Xmx{shape.heap}",
        "-Xss512k",
        "-XX:+UseSerialGC",  # least memory and fastest start with small heaps
        "-XX:TieredStopAtLevel=1",  # halves the CPU time of the start
        "-XX:+ExitOnOutOfMemoryError",
        f"-javaagent:{_agent(program.jars)}",
        *_resource("jvm17.options").split(),
        f"-Dcassandra.storagedir={folder.absolute()}",
        f"-Dcassandra.logdir={folder.absolute()}",
        "-Dcassandra.ring_delay_ms=500",  # gossip is fast on one machine
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.shutdown_announce_in_ms=200",
        f"-Dcassandra.test.flush_local_schema_changes={str(shape.survives_kill).lower()}",
        "-Dcassandra-foreground=yes",
        "-Dcassandra.superuser_setup_delay_ms=0",
        "-cp",
        os.pathsep.join((str(conf), f"{program.jars}/*")),
        "org.apache.cassandra.service.CassandraDaemon",
    )
    return Command(argv=argv, env=env, folder=folder, log=log)


async def node_answers(address: str, port: int) -> bool:
    """Return whether a node serves clients."""
    return await cql_answers(address, port, ANSWERS)


async def node_sees_all(address: str, port: int) -> bool:
    """Return whether a node of three sees the other two."""
    return await cql_answers(address, port, SEES_ALL, Consistency.ALL)


def _config(shape: ClusterShape, number: int) -> str:
    return Template(_resource("cassandra.yaml")).substitute(
        address=shape.addresses[number],
        seeds=",".join(f"{address}:{shape.storage_port}" for address in shape.addresses),
        token=number * RING // shape.nodes - RING // 2,
        storage_port=shape.storage_port,
        native_port=shape.native_port,
        commitlog_sync=SYNC[shape.commitlog_sync],
        authenticator=shape.authenticator,
        extra=shape.extra,
    )


def _resource(name: str) -> str:
    return (RESOURCES / name).read_text()


def _agent(jars: Path) -> Path:
    """Find the Java agent that measures memory for Cassandra."""
    return next(jars.glob("jamm-*.jar"))


def _require_address(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            raise MeshError(
                f"a Cassandra node needs the address {address}; add it with: ifconfig lo0 alias {address}"
            ) from error
