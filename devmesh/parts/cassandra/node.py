"""One node of Cassandra: its configuration and how to run it."""

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
"""A start takes six seconds of a core, and three at once on a busy machine take their time."""

STOP_SECONDS = 20.0
"""It flushes its tables before it ends. What it is killed in is in its commit log, up to the last sync."""

SYNC = {"periodic": "commitlog_sync: periodic\ncommitlog_sync_period: 10s", "batch": "commitlog_sync: batch"}
RING = 2**64

ANSWERS = "SELECT key FROM system.local"
SEES_ALL = "SELECT * FROM system_distributed.view_build_status LIMIT 1"
"""At consistency ALL only a node that sees all three replicas of this table tries to answer it."""

REPLICAS = 3


@dataclass(frozen=True)
class ClusterShape:
    """What the nodes of a cluster have in common.

    `heap` is as in -Xmx, 128m at least. `commitlog_sync`: "batch" acknowledges a write when it is on the disk; with
    "periodic", a node that is killed loses up to 10 s of writes. `survives_kill`: without it, tables are made six times as
    fast, and a node that is killed may not find them again, nor what was in them. `authenticator` is the name of a class of
    Cassandra, `extra` what else shall stand in its cassandra.yaml.
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
        """The address of each node; all have the same ports."""
        return [f"127.0.0.{number}" for number in range(1, self.nodes + 1)]

    @property
    def contact_points(self) -> str:
        """Where clients find it, as host:port with commas between."""
        return ",".join(f"{address}:{self.native_port}" for address in self.addresses)

    @property
    def replication(self) -> dict[str, str | int]:
        """Tell how a keyspace is best replicated, as in CREATE KEYSPACE."""
        return {"class": "SimpleStrategy", "replication_factor": min(self.nodes, REPLICAS)}


def node_command(
    shape: ClusterShape, number: int, folder: Path, program: Program, log: Path, env: Mapping[str, str]
) -> Command:
    """Write the configuration of node `number` (from 0) into `folder`, where its data lie too, and tell how to run it.

    Raises MeshError where this machine has no such address.
    """
    _require_address(shape.addresses[number])
    conf = folder.absolute() / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "cassandra.yaml").write_text(_config(shape, number))
    (conf / "logback.xml").write_text(_resource("logback.xml"))
    argv = (
        str(program.java),
        "-Xms128m",  # it grows; as root, Cassandra pins in memory what it starts with
        f"-Xmx{shape.heap}",
        "-Xss512k",
        "-XX:+UseSerialGC",  # the least memory and the fastest start at heaps of this size
        "-XX:TieredStopAtLevel=1",  # half the processor time until it answers
        "-XX:+ExitOnOutOfMemoryError",
        f"-javaagent:{_agent(program.jars)}",
        *_resource("jvm17.options").split(),
        f"-Dcassandra.storagedir={folder.absolute()}",
        f"-Dcassandra.logdir={folder.absolute()}",
        "-Dcassandra.ring_delay_ms=500",  # how long gossip may take: the nodes are on one machine
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
    """Whether a node serves its clients."""
    return await cql_answers(address, port, ANSWERS)


async def node_sees_all(address: str, port: int) -> bool:
    """Whether a node of three sees the two others."""
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
    """Find the agent by which it measures how much memory its tables take."""
    return next(jars.glob("jamm-*.jar"))


def _require_address(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            raise MeshError(
                f"a node of Cassandra needs the address {address}; add it: ifconfig lo0 alias {address}"
            ) from error
