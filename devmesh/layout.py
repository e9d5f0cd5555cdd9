"""The folders and ports of a mesh."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devmesh.copies import EDGE, SERVICES, WORKERS, extra_parts, names_of
from devmesh.errors import MeshError
from devmesh.parts.bucket import S3
from devmesh.parts.seaweed import SeaweedPorts
from devmesh.parts.stores import Store
from devmesh.ports import LOOPBACK, address, is_free, numbered_ports, reserved_ports
from devmesh.secrets.passwords import MeshPasswords

TARGETS = "metrics.json"
"""The name of the list of targets in the folder of a mesh."""
PORT_COUNT = 2 + SeaweedPorts.COUNT + 2 * (len(SERVICES) + len(WORKERS))
"""The number of ports of a mesh with one of each part, without the edge's and the store's."""


@dataclass(frozen=True)
class Ports:
    """The ports of a mesh, all on loopback."""

    edges: tuple[int, ...]
    """The edges' ports; apps of this machine call the first."""
    valkey: int
    webhook: int
    seaweed: SeaweedPorts
    services: dict[str, tuple[int, ...]]
    workers: dict[str, tuple[int, ...]]
    metrics: dict[str, int]
    """Where each process serves its metrics, by its name (`feed-work`, `feed-work-2`)."""

    @property
    def edge(self) -> int:
        """The first edge's port."""
        return self.edges[0]


@dataclass(frozen=True)
class Layout:
    """A mesh: its data folder, ports, secrets and store."""

    data: Path
    ports: Ports
    passwords: MeshPasswords
    store: Store = field(default_factory=Store)
    mesh_tls: Path | None = None
    """The folder of its certificates, if it uses mTLS."""

    @property
    def url(self) -> str:
        """The URL that apps call."""
        return f"http://{address(self.ports.edge)}"

    @property
    def s3(self) -> S3:
        """Its S3 with credentials."""
        endpoint = f"http://{LOOPBACK}:{self.ports.seaweed.s3}"
        return S3(
            endpoint,
            access_key=self.passwords.s3_access_key,
            secret_key=self.passwords.s3_secret_key,
            edge_access_key=self.passwords.edge_s3_access_key,
            edge_secret_key=self.passwords.edge_s3_secret_key,
        )

    @property
    def keys(self) -> Path:
        """The folder of the keys that sign access tokens."""
        return self.data / "keys"

    @property
    def targets(self) -> Path:
        """The file that lists where processes serve their metrics, as Prometheus reads it (`file_sd_configs`)."""
        return self.data / TARGETS

    def log(self, name: str) -> Path:
        """Return the log file of a part."""
        return self.data / "logs" / f"{name}.log"


def port_count(copies: Mapping[str, int]) -> int:
    """Return how many ports a mesh needs without its first edge's and its store's."""
    extra = extra_parts(copies)
    return PORT_COUNT + 2 * len(extra) - extra.count(EDGE)  # edges serve no metrics


@contextlib.contextmanager
def chosen_ports(edge: int, base: int | None, copies: Mapping[str, int] | None = None) -> Iterator[Ports]:
    """Choose all ports and reserve them: the given one for the edge (0: a free one), the others from `base` or free ones.

    Raises MeshError if a requested port is in use.
    """
    if edge and not is_free(edge):
        raise MeshError(f"port {edge} is in use; choose another for the edge with --port (0 picks a free one)")
    count = port_count(copies or {})
    with reserved_ports(1 + (count if base is None else 0)) as free:
        others = free[1:] if base is None else numbered_ports(base, count)
        yield assign_ports(edge or free[0], others, copies)


def assign_ports(edge: int, others: Iterable[int], copies: Mapping[str, int] | None = None) -> Ports:
    """Assign the ports to the parts, in a fixed order: those of one of each part, then those of further copies."""
    following = iter(others)
    valkey, webhook = next(following), next(following)
    ports = {EDGE: [edge]}
    ports |= {f"{name}-serve": [next(following)] for name in SERVICES}
    ports |= {f"{name}-work": [next(following)] for name in WORKERS}
    seaweed = SeaweedPorts(*(next(following) for _ in range(SeaweedPorts.COUNT)))
    metrics = {name: next(following) for name in ports if name != EDGE}
    for part in extra_parts(copies or {}):
        ports[part].append(next(following))
        if part != EDGE:
            metrics[names_of(part, len(ports[part]))[-1]] = next(following)
    services = {name: tuple(ports[f"{name}-serve"]) for name in SERVICES}
    workers = {name: tuple(ports[f"{name}-work"]) for name in WORKERS}
    return Ports(tuple(ports[EDGE]), valkey, webhook, seaweed, services, workers, metrics)
