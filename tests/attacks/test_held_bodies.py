"""Clients that begin thousands of bodies and end none.

Before: 14 connections of 100 streams with nearly 1 MiB each, without a token, took 198 of 237 calls from others (429). With a
token, a quick attack left all calls refused as long as its streams were open.
Now: without a token nothing is kept, a body is small, and the streams that hold most are reset until memory is free again.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attacks.greedy_streams import greedy
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer, running_edge, services_at, until_serving

pytestmark = pytest.mark.slow

CONNECTIONS, STREAMS = 14, 100
# The longest body that a method takes.
BODY_BYTES = 128 * 1024
# The attack fills most of the first, and several times the second.
ROOMY_MIB, SMALL_MIB = 256, 64
CALLS = 200
ATTACKS: dict[str, Mapping[str, str]] = {
    "REST without a token": {":method": "POST", ":path": "/posts"},
    "an unknown path": {":method": "POST", ":path": "/nothing"},
    "a method for anyone": {":method": "POST", ":path": "/sessions"},
    "gRPC without a token": {
        ":method": "POST",
        ":path": "/lensfeed.post.v1.PostService/CreatePost",
        "content-type": "application/grpc",
        "te": "trailers",
    },
}


@contextlib.asynccontextmanager
async def edge_with(heap_mib: int, backend: Backend, data: Path, jwks_file: Path) -> AsyncIterator[Edge]:
    """Run an edge with less memory than usual."""
    settings = {
        **services_at(backend.address),
        "LENSFEED_EDGE_MAX_HEAP_MIB": str(heap_mib),
        # Longer than calls take on a busy machine.
        "LENSFEED_EDGE_TIMEOUT_SECONDS": "15",
    }
    async with running_edge(data, jwks_file, settings) as edge:
        await until_serving(edge)
        yield edge


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def roomy_edge(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Give an edge with a quarter of the usual memory."""
    async with edge_with(ROOMY_MIB, running_backend, tmp_path_factory.mktemp("roomy"), jwks_file) as edge:
        yield edge


def headers_of(kind: str, signer: Signer) -> dict[str, str]:
    """Give the headers of an attack."""
    token = {"authorization": f"Bearer {signer.token(sub='666')}"}
    attack = ATTACKS.get(kind) or {":method": "POST", ":path": "/media/1/complete", **token}
    return {":scheme": "http", ":authority": "edge", **attack}


@pytest.mark.parametrize("kind", [*ATTACKS, "with a token"])
async def test_others_are_served(roomy_edge: Edge, bearer: dict[str, str], signer: Signer, kind: str) -> None:
    """While one client holds as many bodies as it can, 99 of 100 calls of others are answered, and so are health checks."""
    async with greedy(
        roomy_edge.address,
        headers_of(kind, signer),
        connections=CONNECTIONS,
        streams=STREAMS,
        body_bytes=BODY_BYTES - 1 if kind == "with a token" else 1024 * 1024 - 1,
    ) as attackers:
        statuses = []
        for number in range(CALLS):
            path = "/healthz" if number % 4 == 0 else "/feed"
            statuses.append((await roomy_edge.http.get(path, headers=bearer)).status_code)
            await asyncio.sleep(0.01)
        answers = [status for each in attackers for status in each.statuses]
    assert statuses.count(200) >= CALLS * 0.99, Counter(statuses)
    if kind in {"REST without a token", "gRPC without a token"}:
        assert len(answers) >= CONNECTIONS * STREAMS * 0.9


async def test_it_recovers_while_the_attack_lasts(
    running_backend: Backend, jwks_file: Path, tmp_path: Path, bearer: dict[str, str], signer: Signer
) -> None:
    """An attack that fills the memory faster than the edge can look is over soon, though its connections stay open."""
    headers = headers_of("with a token", signer)
    body_bytes = BODY_BYTES - 1
    async with (
        edge_with(SMALL_MIB, running_backend, tmp_path, jwks_file) as edge,
        greedy(edge.address, headers, connections=CONNECTIONS, streams=STREAMS, body_bytes=body_bytes),
        asyncio.timeout(60),
    ):
        await asyncio.sleep(1)
        served = 0
        while served < CALLS:
            is_served = (await edge.http.get("/feed", headers=bearer)).status_code == 200
            served = served + 1 if is_served else 0
            await asyncio.sleep(0.01)
