"""A client that opens connections and says nothing.

Before: 24,000 silent connections were more than Envoy had descriptors; new ones hung, and Envoy spun.
Now: connections fit the descriptors, idle ones close within seconds once few are left, and health checks have a port of
their own.
"""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from devmesh.ports import free_ports
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving

pytestmark = pytest.mark.slow

CONNECTIONS = 200
HARD_LIMIT = 3_000


@contextlib.asynccontextmanager
async def silent(address: str, count: int) -> AsyncIterator[None]:
    """Hold silent connections, and open each again whenever it is closed."""
    host, _, port = address.partition(":")

    async def hold() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, int(port))
                try:
                    await reader.read()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(0.5)

    tasks = [asyncio.create_task(hold()) for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_served(edge: Edge) -> None:
    """Return once a call on a connection of its own is answered."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                async with httpx.AsyncClient(timeout=5) as http:
                    await http.get(f"http://{edge.address}/healthz")
                    return
            await asyncio.sleep(0.02)


async def test_others_find_a_connection(tmp_path: Path, jwks_file: Path, backend: Backend) -> None:
    """With every connection taken by silent clients, newcomers still get in, and health checks always do."""
    (health,) = free_ports(1)
    settings = {
        **services_at(backend.address),
        "LENSFEED_EDGE_MAX_CONNECTIONS": str(CONNECTIONS),
        "LENSFEED_EDGE_HEALTH_ADDR": f"127.0.0.1:{health}",
    }
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        async with silent(edge.address, 2 * CONNECTIONS):
            for _ in range(5):
                await until_served(edge)
            for _ in range(20):
                async with httpx.AsyncClient() as http:
                    assert (await http.get(f"http://127.0.0.1:{health}/healthz")).status_code == 200
                    assert (await http.get(f"http://127.0.0.1:{health}/feed")).status_code == 404


async def test_connections_fit_the_descriptors(tmp_path: Path, jwks_file: Path) -> None:
    """The default shrinks to what the process may open; a setting that does not fit is refused with the remedy."""
    assert await _rendered_connections(tmp_path, jwks_file) == HARD_LIMIT - 2_048
    assert await _rendered_connections(tmp_path, jwks_file, "700") == 700
    refusal = await _rendered_connections(tmp_path, jwks_file, "50000")
    assert "LENSFEED_EDGE_MAX_CONNECTIONS" in str(refusal)
    assert "ulimit -Hn" in str(refusal)


async def _rendered_connections(folder: Path, jwks_file: Path, wanted: str = "") -> int | str:
    """Return the limit that a process with few descriptors renders, or what it says instead."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")},
        **services_at("127.0.0.1:1"),
        "LENSFEED_EDGE_DIR": str(folder),
        "LENSFEED_TOKEN_JWKS_FILE": str(jwks_file),
        **({"LENSFEED_EDGE_MAX_CONNECTIONS": wanted} if wanted else {}),
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f'ulimit -n {HARD_LIMIT} && exec "$0" -m edge_proxy render', sys.executable),
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, refusal = await process.communicate()
    if process.returncode:
        assert process.returncode == 2
        return refusal.decode()
    monitors = json.loads(out)["overload_manager"]["resource_monitors"]
    [found] = [each["typed_config"] for each in monitors if "downstream_max" in each["name"]]
    return int(found["max_active_downstream_connections"])
