"""The two ports of a cluster; all of its nodes have them in common."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from devmesh.ports import reserved_port, reserved_ports


@contextlib.contextmanager
def cluster_ports(folder: Path) -> Iterator[tuple[int, int]]:
    """Keep a port for clients and a port for the nodes among themselves: free ones.

    The second is that of the last run on this folder wherever it is free: by address and port nodes remember each other.
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
