"""Which addresses a process may listen on without mTLS."""

import ipaddress
from pathlib import Path


def refuse_open_listener(address: str, mesh_tls: Path | None, *, is_meant: bool) -> None:
    """Raise ValueError if others than this machine can reach a server that does not ask who they are."""
    if mesh_tls is None and not is_meant and not is_local(address):
        raise ValueError(
            f"LENSFEED_LISTEN_ADDR: {address} can be reached from other machines, and without mTLS whoever reaches a service can"
            " call it as any user; set LENSFEED_MESH_TLS, or LENSFEED_ALLOW_PLAINTEXT=true if only the mesh can reach it"
        )


def is_local(address: str) -> bool:
    """Return whether an address (host:port or a Unix socket) can be reached from this machine only."""
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if address.startswith("unix") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name may be resolved to anything
        return False
