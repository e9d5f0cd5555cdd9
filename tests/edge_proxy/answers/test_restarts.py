"""How fast the edge notices that a service is back."""

import asyncio
import contextlib
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devmesh.ports import reserved_ports
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving

pytestmark = pytest.mark.slow

RESTARTS = 4


class Service:
    """A backend process that can be killed and started again."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._process: Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it serves."""
        command = (sys.executable, "-m", "tests.edge_proxy.answers.hanging_backend", self.address)
        self._process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert self._process.stdout is not None
        assert (await self._process.stdout.readline()).decode().strip() == self.address

    async def kill(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@contextlib.asynccontextmanager
async def service() -> AsyncIterator[Service]:
    """Give a service that is killed at the end."""
    with reserved_ports(1) as [port]:
        service = Service(f"127.0.0.1:{port}")
        try:
            await service.start()
            yield service
        finally:
            await service.kill()


async def seconds_until(edge: Edge, path: str, headers: dict[str, str], status: int) -> float:
    """Return how long it takes until a path has a status."""
    start = time.monotonic()
    async with asyncio.timeout(30):
        while (await edge.http.get(path, headers=headers)).status_code != status:  # noqa: ASYNC110 - another process checks
            await asyncio.sleep(0.01)
    return time.monotonic() - start


@pytest.mark.parametrize("has_traffic", [True, False])
async def test_a_restarted_service_gets_calls_again(
    tmp_path: Path, jwks_file: Path, bearer: dict[str, str], has_traffic: bool, tell: Callable[[str], None]
) -> None:
    """A killed service that is back serves calls, whether or not calls failed meanwhile. Reports after how long."""
    path, headers = ("/feed", bearer) if has_traffic else ("/healthz", {})
    async with service() as killed, running_edge(tmp_path, jwks_file, services_at(killed.address)) as edge:
        await until_serving(edge)
        seconds = []
        for restart in range(RESTARTS):
            await killed.kill()
            await seconds_until(edge, "/healthz", {}, 503)
            # Different phases of the interval between two checks.
            end = time.monotonic() + 1 + restart * 0.3
            while time.monotonic() < end:
                if has_traffic:
                    assert (await edge.http.get("/feed", headers=bearer)).status_code == 503
                await asyncio.sleep(0.02)
            await killed.start()
            seconds.append(await seconds_until(edge, path, headers, 200))
    traffic = "with" if has_traffic else "without"
    tell(f"edge, restarted service {traffic} traffic: back after {max(seconds):.2f} s at most, {RESTARTS} restarts")
