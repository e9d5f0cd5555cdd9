"""The two ports that all nodes of a cluster share."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from devmesh.ports import reserved_port, reserved_ports


@contextlib.contextmanager
def cluster_ports(folder: Path) -> Iterator[tuple[int, int]]:
    """Reserve a port for clients and one for traffic between nodes.

    The second is reused from the last run if it is free, because nodes remember each other by address and port.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "storage-port"
    with contextlib.ExitStack() as held:
        try:
            storage = held.enter_context(reserved_port(int(kept.read_text())))
        except (OSError, OverflowError, ValueError):
            [storage] = held.enter_context(reserved_ports(1))
            kept.write_text(str(storage))
        [native] = held.enter_context(reserved_ports(1))
        yield native, storage
