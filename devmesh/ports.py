"""Finds and reserves free ports."""

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
"""Whether ports can be reserved. On other systems a bound socket keeps our servers off the port, too."""


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Reserve free loopback ports while the block runs.

    On Linux a socket stays bound to each port. Others who look for a free port skip it, but a server with SO_REUSEADDR,
    as all of ours have, can listen on it.

    The ports are below the ephemeral range. Otherwise an outgoing connection could take a port while its server
    restarts.
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
            raise MeshError(f"cannot find {count} free ports on {LOOPBACK}")
        if not RESERVES:
            held.close()
        yield ports


@contextlib.contextmanager
def reserved_port(port: int) -> Iterator[int]:
    """Reserve a given port, as `reserved_ports` does. Raises OSError if it is in use."""
    with contextlib.closing(_bound(port, lenient=True)) as server:
        if not RESERVES:
            server.close()
        yield port


def free_ports(count: int) -> list[int]:
    """Return free ports without reserving them. Another process may take one at any time."""
    with reserved_ports(count) as ports:
        return ports


def numbered_ports(base: int, count: int) -> list[int]:
    """Return `count` ports from `base` on. Raises MeshError if one is in use."""
    ports = list(range(base, base + count))
    if ports[-1] > 65_535:  # noqa: PLR2004 - the highest port
        raise MeshError(f"--base-port {base} leaves no room for {count} ports; use a smaller number")
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise MeshError(f"port {taken[0]} is in use; choose another --base-port ({count} ports from it are needed)")
    return ports


def is_free(port: int) -> bool:
    """Return whether nothing listens on a loopback port."""
    try:
        _bound(port, lenient=True).close()
    except OSError:
        return False
    return True


def address(port: int) -> str:
    """Return a loopback port as host:port."""
    return f"{LOOPBACK}:{port}"


def _bound(port: int, *, lenient: bool) -> socket.socket:
    """Bind to a port. With `lenient`, also if it is reserved or has connections in TIME_WAIT."""
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
