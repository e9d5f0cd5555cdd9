"""A client for the few admin endpoints of Envoy that the edge uses."""

import asyncio
import socket
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from edge_proxy.addresses import Address
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import admin_socket

TIMEOUT_SECONDS = 2.0
ACTIVE_CALLS = "http.public.downstream_rq_active"
CONNECTIONS = "http.public.downstream_cx_active"
HEALTHY = "membership_healthy"


class Admin:
    """Calls Envoy's admin API. Raises OSError if it does not answer."""

    def __init__(self, address: Address | Path) -> None:
        self._address = address

    async def fail_health(self) -> None:
        """Make /healthz return 503 and ask clients to reconnect elsewhere."""
        await self._ask("POST", "/healthcheck/fail")

    async def drain_listeners(self) -> None:
        """Stop accepting connections."""
        await self._ask("POST", "/drain_listeners")

    async def active_calls(self) -> int:
        """Count the calls in flight."""
        return await self._count(ACTIVE_CALLS)

    async def connections(self) -> int:
        """Count the connections of apps."""
        return await self._count(CONNECTIONS)

    async def is_serving(self, clusters: Iterable[str]) -> bool:
        """Return whether each cluster has a healthy replica. Raises OSError while Envoy drains, too."""
        names = set(clusters)
        await self._ask("GET", "/ready")
        text = await self._ask("GET", f"/stats?filter=^cluster\\.({'|'.join(names)})\\.{HEALTHY}$")
        counts = (line.rpartition(":") for line in text.splitlines())
        return {name.split(".")[1] for name, _, count in counts if int(count)} == names

    async def _count(self, statistic: str) -> int:
        text = await self._ask("GET", f"/stats?filter=^{statistic}$")
        return int(text.rpartition(":")[2])

    async def _ask(self, method: str, path: str) -> str:
        return await asyncio.to_thread(self._ask_now, method, path)

    def _ask_now(self, method: str, path: str) -> str:
        connection = _connection(self._address)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
        except HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        if response.status != 200:  # noqa: PLR2004 - OK
            raise OSError(f"{path}: {response.status}")
        return text


def admin_of(settings: EdgeSettings) -> Admin:
    """Return a client for the Envoy of these settings."""
    return Admin(settings.edge_admin_addr or admin_socket(settings.edge_dir))


def _connection(address: Address | Path) -> HTTPConnection:
    if isinstance(address, Path):
        return _SocketConnection(address)
    return HTTPConnection(address.host, address.port, timeout=TIMEOUT_SECONDS)


class _SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
