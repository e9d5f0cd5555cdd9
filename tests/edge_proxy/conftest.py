"""Fixtures: a real Envoy in front of a backend and a real S3, and one in front of nothing."""

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from devmesh.parts.bucket import S3
from devmesh.ports import free_ports
from tests.edge_proxy.backend import Backend, start_backend

SERVICES = ("USER", "FOLLOW", "POST", "MEDIA", "FEED")
TIMEOUT_SECONDS = 2.0
ORIGIN = "https://app.example"


@dataclass
class Edge:
    """A running edge and ways to call it."""

    address: str
    http: httpx.AsyncClient
    channel: grpc.aio.Channel
    process: asyncio.subprocess.Process
    log: Path
    admin: str

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the access log lines."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


class Signer:
    """Signs tokens as the user service does."""

    def __init__(self, kid: str = "test") -> None:
        self.kid = kid
        self.key = Ed25519PrivateKey.generate()

    def jwks(self) -> str:
        """Return the public keys as JWKS."""
        public = OKPAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": self.kid, "alg": "EdDSA", "use": "sig"}]})

    def token(self, **changes: object) -> str:
        """Sign a token of user 42. A claim changed to None is left out."""
        claims = {"iss": "lensfeed", "aud": "lensfeed", "sub": "42", "sid": "s-1", "exp": int(time.time()) + 600}
        kept = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="EdDSA", headers={"kid": self.kid})


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Create the signing key of all tests."""
    return Signer()


@pytest.fixture(scope="session")
def bearer(signer: Signer) -> dict[str, str]:
    """Return the header of a valid token."""
    return {"authorization": f"Bearer {signer.token()}"}


@pytest.fixture(scope="session")
def jwks_file(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file with the public keys."""
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(signer.jwks())
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_backend() -> AsyncIterator[Backend]:
    """Run the backend, which may have state of earlier tests."""
    backend, server = await start_backend()
    yield backend
    await server.stop(0)


@pytest.fixture
def backend(running_backend: Backend) -> Iterator[Backend]:
    """Return the backend in its initial state."""
    running_backend.forget()
    yield running_backend
    running_backend.forget()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_edge(
    running_backend: Backend, s3: S3, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Run an edge in front of the backend."""
    settings = {
        **services_at(running_backend.address),
        **media_from(s3),
        "LENSFEED_CORS_ORIGINS": ORIGIN,
        "LENSFEED_EDGE_MEDIA_CACHE_MIB": "16",
    }
    async with running_edge(tmp_path_factory.mktemp("edge"), jwks_file, settings) as edge:
        await until_serving(edge)
        yield edge


@pytest.fixture
async def edge(shared_edge: Edge) -> Edge:
    """Return the edge once the backend is healthy. A test that blocks the event loop makes it miss health checks."""
    await until_serving(shared_edge)
    return shared_edge


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge_without_services(jwks_file: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """Run an edge without services."""
    (unused,) = free_ports(1)
    async with running_edge(tmp_path_factory.mktemp("lonely"), jwks_file, services_at(f"127.0.0.1:{unused}")) as edge:
        yield edge


def services_at(address: str) -> dict[str, str]:
    """Return settings that put every service and S3 at one address."""
    return {
        **{f"LENSFEED_{name}_ADDR": address for name in SERVICES},
        "LENSFEED_S3_ENDPOINT_URL": f"http://{address}",
        "LENSFEED_EDGE_S3_ACCESS_KEY": "edge",
        "LENSFEED_EDGE_S3_SECRET_KEY": "secret",
    }


def media_from(s3: S3) -> dict[str, str]:
    """Return settings that serve media from an S3."""
    return {
        "LENSFEED_S3_ENDPOINT_URL": s3.endpoint_url,
        "LENSFEED_S3_BUCKET": s3.bucket,
        "LENSFEED_S3_REGION": s3.region,
        "LENSFEED_EDGE_S3_ACCESS_KEY": s3.edge_access_key,
        "LENSFEED_EDGE_S3_SECRET_KEY": s3.edge_secret_key,
    }


@contextlib.asynccontextmanager
async def running_edge(
    folder: Path, jwks_file: Path, settings: dict[str, str], ca_file: Path | None = None
) -> AsyncIterator[Edge]:
    """Run `python -m edge_proxy run` while the block runs. With `ca_file`, clients use TLS."""
    port, admin_port = free_ports(2)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")},
        "LENSFEED_EDGE_ADDR": f"127.0.0.1:{port}",
        "LENSFEED_EDGE_ADMIN_ADDR": f"127.0.0.1:{admin_port}",
        "LENSFEED_EDGE_DIR": str(folder),
        "LENSFEED_EDGE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "LENSFEED_TOKEN_JWKS_FILE": str(jwks_file),
        **settings,
    }
    log = folder / "edge.log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge_proxy", "run", env=environment, stderr=stderr
        )
    try:
        async with _http(port, ca_file) as http, _channel(port, ca_file) as channel:
            edge = Edge(f"127.0.0.1:{port}", http, channel, process, log, f"127.0.0.1:{admin_port}")
            await _until_listening(edge)
            yield edge
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        assert await process.wait() == 0, log.read_text()


def _http(port: int, ca_file: Path | None) -> httpx.AsyncClient:
    if ca_file is None:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
    return httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}", timeout=30, verify=ssl.create_default_context(cafile=ca_file)
    )


def _channel(port: int, ca_file: Path | None) -> grpc.aio.Channel:
    if ca_file is None:
        return grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(ca_file.read_bytes()))


async def _until_listening(edge: Edge) -> None:
    async with asyncio.timeout(30):
        while True:
            assert edge.process.returncode is None, edge.log.read_text()
            with contextlib.suppress(httpx.TransportError):
                await edge.http.get("/healthz")
                return
            await asyncio.sleep(0.02)


async def until_serving(edge: Edge) -> None:
    """Wait until every service is healthy."""
    async with asyncio.timeout(30):
        while (await edge.http.get("/healthz")).status_code != 200:  # noqa: ASYNC110 - another process gets ready
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge_without_memory(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Run an edge without free memory."""
    settings = {**services_at(running_backend.address), "LENSFEED_EDGE_MAX_HEAP_MIB": "1"}
    async with running_edge(tmp_path_factory.mktemp("full"), jwks_file, settings) as edge:
        async with asyncio.timeout(30):
            while (await edge.http.get("/feed")).status_code != 429:  # noqa: ASYNC110 - Envoy checks memory periodically
                await asyncio.sleep(0.05)
        yield edge
