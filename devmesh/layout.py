"""Where everything of one mesh lies: its folders and its ports."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devmesh.errors import MeshError
from devmesh.parts.bucket import S3
from devmesh.parts.seaweed import SeaweedPorts
from devmesh.parts.stores import Store
from devmesh.ports import LOOPBACK, address, is_free, numbered_ports, reserved_ports
from devmesh.secrets.passwords import MeshSecrets

SERVICES = ("user", "follow", "post", "media", "feed")
WORKERS = ("post", "media", "feed")

PORT_COUNT = 2 + SeaweedPorts.COUNT + len(SERVICES) + len(WORKERS)
"""How many ports a mesh has, besides the edge's and those of its store."""


@dataclass(frozen=True)
class Ports:
    """The ports of one mesh, all on the loopback."""

    edge: int
    valkey: int
    webhook: int
    seaweed: SeaweedPorts
    services: dict[str, int]
    workers: dict[str, int]


@dataclass(frozen=True)
class Layout:
    """One mesh: its data folder, its ports, its secrets and its store."""

    data: Path
    ports: Ports
    secrets: MeshSecrets
    store: Store = field(default_factory=Store)
    mesh_tls: Path | None = None
    """The folder of its certificates, where its parts speak by mTLS."""

    @property
    def url(self) -> str:
        """Where apps reach the mesh."""
        return f"http://{address(self.ports.edge)}"

    @property
    def s3(self) -> S3:
        """Its S3, and how to get in."""
        endpoint = f"http://{LOOPBACK}:{self.ports.seaweed.s3}"
        return S3(endpoint, access_key=self.secrets.s3_access_key, secret_key=self.secrets.s3_secret_key)

    @property
    def keys(self) -> Path:
        """The folder of the keys that sign access tokens."""
        return self.data / "keys"

    def log(self, name: str) -> Path:
        """Name the log file of a part."""
        return self.data / "logs" / f"{name}.log"


@contextlib.contextmanager
def chosen_ports(edge: int, base: int | None) -> Iterator[Ports]:
    """Take the edge's port as given (0: a free one) and the others from `base` on, or free ones, kept for this mesh.

    Raises MeshError where a port that was asked for is taken.
    """
    if edge and not is_free(edge):
        raise MeshError(f"port {edge} is in use; give the edge another with --port (0 picks a free one)")
    with reserved_ports(1 + (PORT_COUNT if base is None else 0)) as free:
        yield share_out(edge or free[0], free[1:] if base is None else numbered_ports(base, PORT_COUNT))


def share_out(edge: int, others: Iterable[int]) -> Ports:
    """Give each part its port: the first of `others` is Valkey's, and so on."""
    following = iter(others)
    valkey, webhook = next(following), next(following)
    services = {name: next(following) for name in SERVICES}
    workers = {name: next(following) for name in WORKERS}
    seaweed = SeaweedPorts(*(next(following) for _ in range(SeaweedPorts.COUNT)))
    return Ports(edge, valkey, webhook, seaweed, services, workers)
