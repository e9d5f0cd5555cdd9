"""How fast the edge notices that a service is back."""

import asyncio
import sys
import time
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from devmesh.ports import reserved_ports
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving

pytestmark = pytest.mark.slow

MAX_SECONDS = 1.0
RESTARTS = 4


async def started(address: str) -> Process:
    """Start a backend process and wait until it serves."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.edge_proxy.answers.hanging_backend", address), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode().strip() == address
    return process


async def seconds_until(edge: Edge, path: str, headers: dict[str, str], status: int) -> float:
    """Return how long it takes until a path has a status."""
    start = time.monotonic()
    async with asyncio.timeout(30):
        while (await edge.http.get(path, headers=headers)).status_code != status:  # noqa: ASYNC110 - another process checks
            await asyncio.sleep(0.01)
    return time.monotonic() - start


@pytest.mark.parametrize("has_traffic", [True, False])
async def test_a_restarted_service_gets_calls_within_a_second(
    tmp_path: Path, jwks_file: Path, bearer: dict[str, str], has_traffic: bool
) -> None:
    """A killed service that is back serves calls within a second, whether or not calls failed meanwhile."""
    with reserved_ports(1) as [port]:
        address = f"127.0.0.1:{port}"
        process = await started(address)
        async with running_edge(tmp_path, jwks_file, services_at(address)) as edge:
            await until_serving(edge)
            seconds = []
            for restart in range(RESTARTS):
                process.kill()
                await process.wait()
                await seconds_until(edge, "/healthz", {}, 503)
                # Different phases of the interval between two checks.
                end = time.monotonic() + 1 + restart * 0.3
                while time.monotonic() < end:
                    if has_traffic:
                        assert (await edge.http.get("/feed", headers=bearer)).status_code == 503
                    await asyncio.sleep(0.02)
                process = await started(address)
                path, headers = ("/feed", bearer) if has_traffic else ("/healthz", {})
                seconds.append(await seconds_until(edge, path, headers, 200))
            assert max(seconds) < MAX_SECONDS, seconds
        process.kill()
        await process.wait()
