"""Services that hang, replicas that fail, and an edge that is told to go."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code
from grpc_health.v1 import health_pb2

from tests.edge_proxy.answers.test_edge_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, leading_to, running_edge, until_serving
from tests.protocols import grpc_call

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(loop_scope="session")
async def hanging() -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Give a backend in a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.edge_proxy.answers.hanging_backend", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield process, (await process.stdout.readline()).decode().strip()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_a_service_that_hangs_is_given_up(
    hanging: tuple[asyncio.subprocess.Process, str], tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """Calls that wait for it and those that come are told that it is away, long before their deadline; it may come back."""
    process, address = hanging
    settings = {**leading_to(address), "LENSFEED_EDGE_TIMEOUT_SECONDS": "3600"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        assert (await edge.http.get("/feed", headers=bearer)).status_code == 200
        process.send_signal(signal.SIGSTOP)
        assert refusal(await edge.http.get("/feed", headers=bearer)) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
        assert (await edge.http.get("/healthz")).status_code == 503
        assert refusal(await edge.http.get("/feed", headers=bearer)) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
        process.send_signal(signal.SIGCONT)
        await until_serving(edge)
        assert (await edge.http.get("/feed", headers=bearer)).status_code == 200


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
async def test_a_server_that_begins_to_stop_is_not_seen(
    edge: Edge, backend: Backend, bearer: dict[str, str], code: grpc.StatusCode
) -> None:
    """What grpc tells calls that arrive at that moment makes a repeatable call come again."""
    backend.failure, backend.failures_left = (code, "ANY", "going down"), 1
    assert (await edge.http.get("/feed", headers=bearer)).status_code == 200
    assert len(backend.seen) == 2


async def test_an_edge_that_is_told_to_go_finishes_what_it_has(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """After SIGTERM /healthz fails and new connections are refused; the call in hand gets its answer, and then it ends."""
    settings = {**leading_to(backend.address), "LENSFEED_EDGE_LEAVE_SECONDS": "1"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        backend.delay = 1.7
        call = asyncio.ensure_future(edge.http.get("/feed", headers=bearer))
        while not backend.seen:  # noqa: ASYNC110 - the backend only takes notes
            await asyncio.sleep(0.02)
        edge.process.terminate()
        async with asyncio.timeout(30):
            while (await edge.http.get("/healthz")).status_code != 503:  # noqa: ASYNC110 - another process drains
                await asyncio.sleep(0.02)
            await _until_refused(edge)
        assert not call.done()
        response = await call
        assert response.status_code == 200
        assert response.headers["connection"] == "close"
        assert await edge.process.wait() == 0


async def test_a_second_signal_ends_it_at_once(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """Whoever does not want to wait asks again. Until then its health is told in gRPC, too."""
    settings = {**leading_to(backend.address), "LENSFEED_EDGE_LEAVE_SECONDS": "300"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        edge.process.terminate()
        async with asyncio.timeout(30):
            while (await edge.http.get("/healthz")).json() != {"status": "NOT_SERVING"}:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.02)
        told = await grpc_call(edge, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(), {})
        assert (
            health_pb2.HealthCheckResponse.FromString(told.answer).status == health_pb2.HealthCheckResponse.NOT_SERVING
        )
        edge.process.terminate()
        assert await edge.process.wait() == 0


async def _until_refused(edge: Edge) -> None:
    while True:
        try:
            async with httpx.AsyncClient() as other:
                await other.get(f"http://{edge.address}/healthz")
        except httpx.ConnectError:
            return
        await asyncio.sleep(0.02)
