"""Where the services of a mesh keep their data: in SQLite, in a Cassandra of the mesh's own, or in one that is there already."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devmesh.errors import MeshError
from devmesh.parts.cassandra.account import USER
from devmesh.parts.cassandra.jars import Program, find_program
from devmesh.parts.cassandra.node import ClusterShape, CommitlogSync
from devmesh.parts.cassandra.ports import cluster_ports
from devmesh.ports import numbered_ports

SQLITE = "sqlite"
CASSANDRA = "cassandra"
CONTACT_POINTS = "LENSFEED_CASSANDRA_CONTACT_POINTS"
DATACENTER = "datacenter1"


@dataclass(frozen=True)
class StoreWish:
    """What was asked for: the store's name, and how many nodes of which heap a Cassandra of the mesh's own has."""

    name: str = SQLITE
    nodes: int = 1
    heap: str = "512m"


@dataclass(frozen=True)
class OwnCluster:
    """A Cassandra that the mesh runs itself."""

    shape: ClusterShape
    password: str
    program: Program


@dataclass(frozen=True)
class Store:
    """The store of a mesh: what its services are told about it, and the cluster that the mesh runs for it, if any."""

    settings: Mapping[str, str] = field(default_factory=lambda: {"LENSFEED_STORE": SQLITE})
    cluster: OwnCluster | None = None


@contextlib.contextmanager
def chosen_store(
    wish: StoreWish,
    data: Path,
    password: str,
    first_port: int | None,
    env: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Store]:
    """Prepare the store, and keep its ports: from `first_port` on, or free ones. May fetch Cassandra, and tells of it.

    Raises MeshError where the data folder belongs to another store, or something is missing.
    """
    own = wish.name == CASSANDRA and CONTACT_POINTS not in env
    _claim(data, wish.name, wish.nodes if own else 0)
    if not own:
        yield Store({"LENSFEED_STORE": wish.name})
        return
    program = asyncio.run(find_program(env, tell))
    with _ports(data / "cassandra", first_port) as (native, storage):
        # One node that is killed would lose what it has acknowledged; of three, two others have it.
        sync: CommitlogSync = "batch" if wish.nodes == 1 else "periodic"
        shape = ClusterShape(wish.nodes, native, storage, wish.heap, sync, authenticator="PasswordAuthenticator")
        yield Store(_settings(shape, password), OwnCluster(shape, password, program))


def _settings(shape: ClusterShape, password: str) -> dict[str, str]:
    return {
        "LENSFEED_STORE": CASSANDRA,
        CONTACT_POINTS: shape.contact_points,
        "LENSFEED_CASSANDRA_USERNAME": USER,
        "LENSFEED_CASSANDRA_PASSWORD": password,
        "LENSFEED_CASSANDRA_LOCAL_DC": DATACENTER,
        "LENSFEED_CASSANDRA_REPLICATION": json.dumps(shape.replication),
    }


@contextlib.contextmanager
def _ports(folder: Path, first: int | None) -> Iterator[tuple[int, int]]:
    if first is not None:
        native, storage = numbered_ports(first, 2)
        yield native, storage
        return
    with cluster_ports(folder) as ports:
        yield ports


def _claim(data: Path, name: str, nodes: int) -> None:
    """Remember whose data lie in a folder: timelines and objects there belong to the accounts of one store.

    Raises MeshError where they are another's. `nodes` is 0 where the mesh runs none.
    """
    note = data / "store.json"
    mine = {"store": name, "nodes": nodes}
    if not note.exists():
        note.write_text(json.dumps({"store": SQLITE, "nodes": 0} if (data / SQLITE).exists() else mine))
    try:
        found = json.loads(note.read_text())
    except ValueError as error:
        raise MeshError(f"{note} is damaged; give another --data, or restore it") from error
    if found != mine:
        raise MeshError(f"{data} holds the data of {_told(found)}, not of {_told(mine)}; give another --data")


def _told(note: Mapping[str, object]) -> str:
    if note["store"] != CASSANDRA:
        return f"--store {note['store']}"
    return (
        f"--store cassandra --cassandra-nodes {note['nodes']}" if note["nodes"] else f"the cluster at {CONTACT_POINTS}"
    )
