"""Envoy's administration, as far as the edge itself uses it."""

import asyncio
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException

from edge_proxy.addresses import Address

TIMEOUT_SECONDS = 2.0
IN_HAND = "http.public.downstream_rq_active"
HEALTHY = "membership_healthy"


class Admin:
    """Asks Envoy. Raises OSError where it does not answer."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def fail_health(self) -> None:
        """Let /healthz say 503, and tell those who call on open connections to come by another."""
        await self._ask("POST", "/healthcheck/fail")

    async def drain_listeners(self) -> None:
        """Take no new connections."""
        await self._ask("POST", "/drain_listeners")

    async def calls_in_hand(self) -> int:
        """Count the calls that are being answered."""
        text = await self._ask("GET", f"/stats?filter=^{IN_HAND}$")
        return int(text.rpartition(":")[2])

    async def is_serving(self, clusters: Iterable[str]) -> bool:
        """Tell whether each cluster has a healthy replica. Raises OSError also where Envoy is about to go."""
        names = set(clusters)
        await self._ask("GET", "/ready")
        text = await self._ask("GET", f"/stats?filter=^cluster\\.({'|'.join(names)})\\.{HEALTHY}$")
        counts = (line.rpartition(":") for line in text.splitlines())
        return {name.split(".")[1] for name, _, count in counts if int(count)} == names

    async def _ask(self, method: str, path: str) -> str:
        return await asyncio.to_thread(self._ask_now, method, path)

    def _ask_now(self, method: str, path: str) -> str:
        connection = HTTPConnection(self._address.host, self._address.port, timeout=TIMEOUT_SECONDS)
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
