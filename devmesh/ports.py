"""Ports for the parts of a mesh."""

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from devmesh.errors import MeshError

LOOPBACK = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 15_000
TRIES = 1_000


def free_ports(count: int) -> list[int]:
    """Different ports on the loopback that nothing listens on now.

    They lie below the range from which the kernel takes the ports of outgoing connections: one of those could otherwise
    sit on a port between our picking it and a server's binding it, or while a server restarts.
    """
    candidates = random.sample(range(LOWEST, _first_ephemeral()), TRIES)
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in candidates:
            if len(found) == count:
                return found
            with contextlib.suppress(OSError):
                held.enter_context(_bound(port))
                found.append(port)
    raise MeshError(f"found no {count} free ports on {LOOPBACK}")


def numbered_ports(base: int, count: int) -> list[int]:
    """`count` ports from `base` on. Raises MeshError where one of them is taken."""
    ports = list(range(base, base + count))
    if ports[-1] > 65_535:  # noqa: PLR2004 - the last port there is
        raise MeshError(f"--base-port {base} leaves no room for {count} ports; give a smaller one")
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise MeshError(f"port {taken[0]} is in use; give another --base-port ({count} ports from it are needed)")
    return ports


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of the loopback."""
    try:
        with _bound(port):
            return True
    except OSError:
        return False


def address(port: int) -> str:
    """Write a port of the loopback as host:port."""
    return f"{LOOPBACK}:{port}"


@contextlib.contextmanager
def _bound(port: int) -> Iterator[None]:
    with socket.socket() as server:
        # Connections of an earlier mesh that linger in TIME_WAIT keep nobody from listening.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((LOOPBACK, port))
        yield


def _first_ephemeral() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        first = int(EPHEMERAL_RANGE.read_text().split()[0])
        if first > LOWEST + TRIES:
            return first
    return 32_768
