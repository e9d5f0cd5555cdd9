"""Ports for the parts of a mesh."""

import contextlib
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from devmesh.errors import MeshError

LOOPBACK = "127.0.0.1"
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 15_000
TRIES = 1_000
RESERVES = sys.platform == "linux"
"""Elsewhere a bound socket keeps servers off its port, too."""


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Give different ports of the loopback that nobody uses, and keep others from choosing them until the end.

    On Linux a socket stays bound to each: whoever looks for a free port passes it by, and yet a server that sets
    SO_REUSEADDR, as all of ours do, can listen on it.

    They lie below the range from which the kernel takes the ports of outgoing connections: one of those could otherwise
    sit on a port while its server restarts.
    """
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for port in random.sample(range(LOWEST, _first_ephemeral()), TRIES):
            if len(ports) == count:
                break
            with contextlib.suppress(OSError):
                held.enter_context(_bound(port, lenient=False))
                ports.append(port)
        if len(ports) < count:
            raise MeshError(f"found no {count} free ports on {LOOPBACK}")
        if not RESERVES:
            held.close()
        yield ports


@contextlib.contextmanager
def reserved_port(port: int) -> Iterator[int]:
    """Keep this very port, as `reserved_ports` does. Raises OSError where somebody listens on it."""
    with contextlib.closing(_bound(port, lenient=True)) as server:
        if not RESERVES:
            server.close()
        yield port


def free_ports(count: int) -> list[int]:
    """Pick such ports without keeping them: soon enough, somebody else may take one."""
    with reserved_ports(count) as ports:
        return ports


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
        _bound(port, lenient=True).close()
    except OSError:
        return False
    return True


def address(port: int) -> str:
    """Write a port of the loopback as host:port."""
    return f"{LOOPBACK}:{port}"


def _bound(port: int, *, lenient: bool) -> socket.socket:
    """Bind to a port; lenient: also where it is reserved, or connections of an earlier server linger in TIME_WAIT."""
    server = socket.socket()
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(lenient))
        server.bind((LOOPBACK, port))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        server.close()
        raise
    return server


def _first_ephemeral() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        first = int(EPHEMERAL_RANGE.read_text().split()[0])
        if first > LOWEST + TRIES:
            return first
    return 32_768
