"""The store of a mesh: SQLite, its own Cassandra, or an existing Cassandra."""

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
class StoreOptions:
    """The requested store, with the node count and heap of the mesh's own Cassandra."""

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
    """The store of a mesh: the services' settings and the mesh's own cluster, if any."""

    settings: Mapping[str, str] = field(default_factory=lambda: {"LENSFEED_STORE": SQLITE})
    cluster: OwnCluster | None = None


@contextlib.contextmanager
def chosen_store(
    wish: StoreOptions,
    data: Path,
    password: str,
    first_port: int | None,
    env: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Store]:
    """Prepare the store and reserve its ports, from `first_port` or free ones. May download Cassandra.

    Raises MeshError if the data folder belongs to another store or a program is missing.
    """
    own = wish.name == CASSANDRA and CONTACT_POINTS not in env
    _check_owner(data, wish.name, wish.nodes if own else 0)
    if not own:
        yield Store({"LENSFEED_STORE": wish.name})
        return
    program = asyncio.run(find_program(env, tell))
    with _ports(data / "cassandra", first_port) as (native, storage):
        # A single killed node would lose acknowledged writes. With three nodes, two others have them.
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


def _check_owner(data: Path, name: str, nodes: int) -> None:
    """Record the store that a data folder belongs to. Data of two stores must not mix.

    Raises MeshError if it belongs to another store. `nodes` is 0 if the mesh runs no cluster.
    """
    note = data / "store.json"
    mine = {"store": name, "nodes": nodes}
    if not note.exists():
        note.write_text(json.dumps({"store": SQLITE, "nodes": 0} if (data / SQLITE).exists() else mine))
    try:
        found = json.loads(note.read_text())
    except ValueError as error:
        raise MeshError(f"{note} is damaged; restore it, or use another --data") from error
    if found != mine:
        raise MeshError(f"{data} has data of {_option_text(found)}, not of {_option_text(mine)}; use another --data")


def _option_text(note: Mapping[str, object]) -> str:
    if note["store"] != CASSANDRA:
        return f"--store {note['store']}"
    return (
        f"--store cassandra --cassandra-nodes {note['nodes']}" if note["nodes"] else f"the cluster at {CONTACT_POINTS}"
    )
