"""mTLS between the edge and the services."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from devmesh.ports import free_ports
from devmesh.secrets.certificates import make_certificates
from meshkit.identity.parts import MeshIdentity
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import start_backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at
from tests.mesh_tls.callers import channel_as
from tests.meshkit.identity.certificates import Authority

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the certificates of a mesh."""
    folder = tmp_path_factory.mktemp("mesh-tls")
    make_certificates(folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mutual_edge(tls: Path, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """Run an edge with mTLS that finds user_svc at the address of every service."""
    backend, server = await start_backend(MeshIdentity.find(tls, "user"))
    settings = {**services_at(backend.address), "LENSFEED_MESH_TLS": str(tls)}
    async with running_edge(tmp_path_factory.mktemp("edge"), jwks_file, settings) as edge:
        yield edge
    await server.stop(0)


async def test_a_service_must_show_its_own_certificate(mutual_edge: Edge, bearer: dict[str, str]) -> None:
    """user_svc is called by its name, but not in place of feed_svc."""
    async with asyncio.timeout(30):
        while (response := await mutual_edge.http.get("/users/5", headers=bearer)).status_code != 200:
            assert response.status_code == 503
            await asyncio.sleep(0.05)
    refused = await mutual_edge.http.get("/feed", headers=bearer)
    assert refusal(refused) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
    assert (await mutual_edge.http.get("/healthz")).status_code == 503


async def test_the_edge_reloads_a_renewed_certificate(mutual_edge: Edge, tls: Path, bearer: dict[str, str]) -> None:
    """Envoy reloads its renewed certificate without a restart."""
    before = await certificate_of(mutual_edge)
    make_certificates(tls, renew_all=True)
    async with asyncio.timeout(30):
        while await certificate_of(mutual_edge) == before:  # noqa: ASYNC110 - another process reads the files
            await asyncio.sleep(0.05)
    assert (await mutual_edge.http.get("/users/5", headers=bearer)).status_code == 200


async def test_only_edges_may_call_the_rate_limit_service(tls: Path) -> None:
    """The rate limit service refuses other parts and callers without a certificate."""
    codes = {}
    async with limits_service(tls) as address:
        for part in ("edge", "feed", "ops"):
            async with channel_as(address, "edge", MeshIdentity.find(tls, part)) as channel:
                codes[part] = await code_of(channel)
        async with grpc.aio.insecure_channel(address) as channel:
            codes["nobody"] = await code_of(channel)
    refused = grpc.StatusCode.PERMISSION_DENIED
    assert codes == {
        "edge": grpc.StatusCode.OK,
        "feed": refused,
        "ops": refused,
        "nobody": grpc.StatusCode.UNAVAILABLE,
    }


async def code_of(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """Call the service with an empty request, which needs no Redis."""
    method = channel.unary_unary("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit", bytes, bytes)
    try:
        await method(b"", timeout=10)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@contextlib.asynccontextmanager
async def limits_service(tls: Path) -> AsyncIterator[str]:
    """Run `python -m edge_proxy limits` with mTLS. Yields its address."""
    (port,) = free_ports(1)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}
    own = {"LENSFEED_LISTEN_ADDR": f"127.0.0.1:{port}", "LENSFEED_MESH_TLS": str(tls)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge_proxy", "limits"), env=kept | own, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while not await is_listening(port):  # noqa: ASYNC110 - another process gets ready
                await asyncio.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        assert await process.wait() == 0


async def is_listening(port: int) -> bool:
    """Return whether a port accepts connections."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def certificate_of(edge: Edge) -> str:
    """Return the serial number of the edge's certificate from Envoy's admin API."""
    async with httpx.AsyncClient() as http:
        listed = (await http.get(f"http://{edge.admin}/certs")).json()["certificates"]
    (serial,) = {chain["serial_number"] for each in listed for chain in each["cert_chain"]}
    return str(serial)


def test_envoy_accepts_the_certificates(
    monkeypatch: pytest.MonkeyPatch, tls: Path, jwks_file: Path, tmp_path: Path
) -> None:
    """Envoy accepts a configuration with TLS on both sides."""
    certificate, key = Authority(tmp_path, "root").issue("edge", "127.0.0.1")
    for name, value in services_at("127.0.0.1:50051").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LENSFEED_EDGE_DIR", str(tmp_path / "edge"))
    monkeypatch.setenv("LENSFEED_TOKEN_JWKS_FILE", str(jwks_file))
    monkeypatch.setenv("LENSFEED_EDGE_TLS_CERT_FILE", str(certificate))
    monkeypatch.setenv("LENSFEED_EDGE_TLS_KEY_FILE", str(key))
    monkeypatch.setenv("LENSFEED_MESH_TLS", str(tls))
    command = [sys.executable, "-m", "edge_proxy", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)
    monkeypatch.setenv("LENSFEED_MESH_TLS", str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("LENSFEED_MESH_TLS: ")
