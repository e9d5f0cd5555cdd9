"""The folders and ports of a mesh."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devmesh.errors import MeshError
from devmesh.parts.bucket import S3
from devmesh.parts.seaweed import SeaweedPorts
from devmesh.parts.stores import Store
from devmesh.ports import LOOPBACK, address, is_free, numbered_ports, reserved_ports
from devmesh.secrets.passwords import MeshPasswords

SERVICES = ("user", "follow", "post", "media", "feed")
WORKERS = ("post", "media", "feed")

TARGETS = "metrics.json"
"""The name of the list of targets in the folder of a mesh."""
PORT_COUNT = 2 + SeaweedPorts.COUNT + 2 * (len(SERVICES) + len(WORKERS))
"""The number of ports of a mesh without the edge's and the store's."""


@dataclass(frozen=True)
class Ports:
    """The ports of a mesh, all on loopback."""

    edge: int
    valkey: int
    webhook: int
    seaweed: SeaweedPorts
    services: dict[str, int]
    workers: dict[str, int]
    metrics: dict[str, int]
    """Where each process serves its metrics, by its name (`feed-work`)."""


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


@contextlib.contextmanager
def chosen_ports(edge: int, base: int | None) -> Iterator[Ports]:
    """Choose all ports and reserve them: the given one for the edge (0: a free one), the others from `base` or free ones.

    Raises MeshError if a requested port is in use.
    """
    if edge and not is_free(edge):
        raise MeshError(f"port {edge} is in use; choose another for the edge with --port (0 picks a free one)")
    with reserved_ports(1 + (PORT_COUNT if base is None else 0)) as free:
        yield assign_ports(edge or free[0], free[1:] if base is None else numbered_ports(base, PORT_COUNT))


def assign_ports(edge: int, others: Iterable[int]) -> Ports:
    """Assign the ports to the parts, in a fixed order."""
    following = iter(others)
    valkey, webhook = next(following), next(following)
    services = {name: next(following) for name in SERVICES}
    workers = {name: next(following) for name in WORKERS}
    seaweed = SeaweedPorts(*(next(following) for _ in range(SeaweedPorts.COUNT)))
    names = [*(f"{name}-serve" for name in SERVICES), *(f"{name}-work" for name in WORKERS)]
    metrics = {name: next(following) for name in names}
    return Ports(edge, valkey, webhook, seaweed, services, workers, metrics)
