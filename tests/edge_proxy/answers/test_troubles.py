"""Hanging services, failing replicas and the shutdown of the edge."""

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

from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving
from tests.protocols import grpc_call

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(loop_scope="session")
async def hanging() -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a backend process. Yields it with its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.edge_proxy.answers.hanging_backend", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield process, (await process.stdout.readline()).decode().strip()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_a_hanging_service_becomes_unavailable(
    hanging: tuple[asyncio.subprocess.Process, str], tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """Waiting and new calls to a hanging service fail long before their deadline. It may recover."""
    process, address = hanging
    settings = {**services_at(address), "LENSFEED_EDGE_TIMEOUT_SECONDS": "3600"}
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
async def test_a_stopping_server_is_hidden_by_a_retry(
    edge: Edge, backend: Backend, bearer: dict[str, str], code: grpc.StatusCode
) -> None:
    """A repeatable call is retried when a stopping gRPC server rejects it."""
    backend.failure, backend.failures_left = (code, "ANY", "going down"), 1
    assert (await edge.http.get("/feed", headers=bearer)).status_code == 200
    assert len(backend.seen) == 2


async def test_a_stopping_edge_finishes_its_calls(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """After SIGTERM /healthz fails, new connections are refused and calls in flight finish."""
    settings = {
        **services_at(backend.address),
        "LENSFEED_EDGE_LEAVE_SECONDS": "1",
        "LENSFEED_EDGE_TIMEOUT_SECONDS": "60",
    }
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        backend.held = asyncio.Event()
        call = asyncio.ensure_future(edge.http.get("/feed", headers=bearer))
        while not backend.seen:  # noqa: ASYNC110 - the backend has no event for it
            await asyncio.sleep(0.02)
        edge.process.terminate()
        async with asyncio.timeout(30):
            while (await edge.http.get("/healthz")).status_code != 503:  # noqa: ASYNC110 - another process drains
                await asyncio.sleep(0.02)
            await _until_refused(edge)
        assert not call.done()
        backend.held.set()
        response = await call
        assert response.status_code == 200
        assert response.headers["connection"] == "close"
        assert await edge.process.wait() == 0


async def test_a_second_signal_ends_it_at_once(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """A second SIGTERM ends the drain. Until then gRPC health reports NOT_SERVING, too."""
    settings = {**services_at(backend.address), "LENSFEED_EDGE_LEAVE_SECONDS": "300"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        edge.process.terminate()
        async with asyncio.timeout(30):
            while (await edge.http.get("/healthz")).json() != {"status": "NOT_SERVING"}:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.02)
        health = await grpc_call(edge, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(), {})
        assert (
            health_pb2.HealthCheckResponse.FromString(health.answer).status
            == health_pb2.HealthCheckResponse.NOT_SERVING
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
