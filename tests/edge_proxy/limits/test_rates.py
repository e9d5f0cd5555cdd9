"""Rate limits by user, address and cost."""

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from envoy_data_plane.envoy.extensions.common.ratelimit.v3 import RateLimitDescriptor, RateLimitDescriptorEntry
from envoy_data_plane.envoy.service.ratelimit.v3 import RateLimitRequest
from google.rpc.code_pb2 import Code

from devmesh.ports import free_ports
from edge_proxy.limits.rules import rules_of
from edge_proxy.limits.service import METHOD
from edge_proxy.settings.rates import RateSettings
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer, running_edge, services_at, until_serving
from tests.edge_proxy.protocols import ALL, ReadFeed, grpc_feed

pytestmark = pytest.mark.slow

LIMITS = {
    "LENSFEED_EDGE_LIMIT_USER": "60/h burst 12",
    "LENSFEED_EDGE_LIMIT_ADDRESS": "60/h burst 10000",
    "LENSFEED_EDGE_LIMIT_LOG_IN": "60/h burst 20",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict_edge(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Run an edge with low limits. Each test uses another user."""
    folder = tmp_path_factory.mktemp("strict")
    async with running_edge(folder, jwks_file, services_at(running_backend.address) | LIMITS) as edge:
        await until_serving(edge)
        yield edge


def token(signer: Signer, user: int) -> dict[str, str]:
    """Return the header of a user's token."""
    return {"authorization": f"Bearer {signer.token(sub=str(user))}"}


async def statuses(edge: Edge, method: str, path: str, times: int, **options: object) -> list[int]:
    """Call several times and return the statuses."""
    return [(await edge.http.request(method, path, **options)).status_code for _ in range(times)]  # type: ignore[arg-type]  # of httpx


async def test_calls_with_more_work_cost_more(strict_edge: Edge, signer: Signer) -> None:
    """GetMedia, which may sign hundreds of URLs, costs two points instead of one."""
    found = await statuses(strict_edge, "GET", "/media/someid", 7, headers=token(signer, 77))
    assert [status == 429 for status in found] == [False] * 6 + [True]


async def test_each_user_has_points_of_their_own(strict_edge: Edge, signer: Signer) -> None:
    """A user's thirteenth read is refused while another user can read."""
    assert (await statuses(strict_edge, "GET", "/feed", 13, headers=token(signer, 1))).count(429) == 1
    assert await statuses(strict_edge, "GET", "/feed", 12, headers=token(signer, 2)) == [200] * 12


async def test_a_change_costs_three_reads(strict_edge: Edge, signer: Signer) -> None:
    """Four changes use up twelve points."""
    changes = await statuses(strict_edge, "POST", "/follows", 5, headers=token(signer, 3), json={"followeeId": "9"})
    assert changes[-1] == 429
    assert 429 not in changes[:-1]


async def test_log_ins_have_their_own_limit(strict_edge: Edge, signer: Signer) -> None:
    """Log-ins of an address have a lower limit, which does not affect other calls."""
    body = {"handle": "somebody", "password": "a password"}
    attempts = await statuses(strict_edge, "POST", "/sessions", 3, json=body)
    assert attempts[-1] == 429
    assert 429 not in attempts[:-1]
    assert await statuses(strict_edge, "GET", "/feed", 1, headers=token(signer, 4)) == [200]


async def test_the_limit_of_an_address_covers_all_its_users(
    running_backend: Backend, jwks_file: Path, signer: Signer, tmp_path: Path
) -> None:
    """All users of an address share its points."""
    settings = services_at(running_backend.address) | {"LENSFEED_EDGE_LIMIT_ADDRESS": "60/h burst 100"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        answers = [
            status
            for user in range(10, 21)
            for status in await statuses(edge, "GET", "/feed", 10, headers=token(signer, user))
        ]
    assert answers == [200] * 100 + [429] * 10


@pytest.mark.parametrize("read_feed", ALL)
async def test_a_rate_limited_call_says_when_to_retry(strict_edge: Edge, signer: Signer, read_feed: ReadFeed) -> None:
    """In every protocol the error has the reason and the retry delay."""
    await statuses(strict_edge, "GET", "/feed", 13, headers=token(signer, 5))
    outcome = await read_feed(strict_edge, token(signer, 5))
    assert (outcome.code, outcome.reason, outcome.domain) == (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "lensfeed")
    assert outcome.retry_delay == 600
    answer = await strict_edge.http.get("/feed", headers=token(signer, 5))
    assert answer.headers["retry-after"] == "600"


async def test_media_and_health_are_not_counted(strict_edge: Edge) -> None:
    """Media and health checks are never rate limited."""
    assert 429 not in await statuses(strict_edge, "GET", "/m/none.jpg", 120)
    assert await statuses(strict_edge, "GET", "/healthz", 120) == [200] * 120


async def test_a_normal_app_is_not_limited(edge: Edge, signer: Signer) -> None:
    """The default limits allow log-ins, feeds with pictures and changes of a busy minute."""
    assert 429 not in await statuses(
        edge, "POST", "/sessions", 5, json={"handle": "somebody", "password": "a password"}
    )
    assert 429 not in await statuses(edge, "GET", "/feed", 30, headers=token(signer, 6))
    assert 429 not in await statuses(edge, "GET", "/m/none.jpg", 100)
    assert 429 not in await statuses(edge, "POST", "/follows", 60, headers=token(signer, 6), json={"followeeId": "9"})


async def test_several_edges_count_together(
    running_backend: Backend, jwks_file: Path, signer: Signer, tmp_path: Path, valkey_url: str
) -> None:
    """Edges share a user's points through the rate limit service, and count alone without it."""
    async with contextlib.AsyncExitStack() as stack:
        counting = contextlib.AsyncExitStack()
        limits = await counting.enter_async_context(limits_service(valkey_url, LIMITS))
        settings = services_at(running_backend.address) | LIMITS | {"LENSFEED_LIMITS_ADDR": limits}
        edges = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            edges.append(await stack.enter_async_context(running_edge(tmp_path / name, jwks_file, settings)))
            await until_serving(edges[-1])
        user = token(signer, secrets.randbelow(2**60))
        assert await statuses(edges[0], "GET", "/feed", 8, headers=user) == [200] * 8
        # Alone it would allow all of these. On a busy machine the service may miss the edge's 50 ms for some.
        assert 429 in await statuses(edges[1], "GET", "/feed", 8, headers=user)
        outcome = await grpc_feed(edges[1], user)
        assert (outcome.code, outcome.reason, outcome.retry_delay) == (Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", 600)
        await counting.aclose()
        assert (await statuses(edges[1], "GET", "/feed", 4, headers=token(signer, 31))) == [200] * 4


@pytest.mark.parametrize("hangs", [False, True], ids=["down", "hung"])
async def test_the_service_reports_an_outage_of_redis(hangs: bool) -> None:
    """While Redis is down or hangs, edges soon get UNAVAILABLE, and let calls pass."""
    with socket.create_server(("127.0.0.1", 0)) as hung:  # takes connections and never answers
        port = hung.getsockname()[1] if hangs else 1
        async with (
            limits_service(f"redis://127.0.0.1:{port}/0", LIMITS) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            entry = RateLimitDescriptorEntry(key=rules_of(RateSettings())[0].name, value="7")
            request = RateLimitRequest(descriptors=[RateLimitDescriptor(entries=[entry])])
            call: Any = channel.unary_unary(METHOD, request_serializer=bytes, response_deserializer=None)
            with pytest.raises(grpc.aio.AioRpcError) as outage:
                await call(request, timeout=5)
    assert outage.value.code() is grpc.StatusCode.UNAVAILABLE


@contextlib.asynccontextmanager
async def limits_service(redis_url: str, limits: dict[str, str]) -> AsyncIterator[str]:
    """Run `python -m edge_proxy limits`. Yields its address."""
    (port,) = free_ports(1)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}
    address = f"127.0.0.1:{port}"
    environment = kept | limits | {"LENSFEED_LISTEN_ADDR": address, "LENSFEED_REDIS_URL": redis_url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge_proxy", "limits"), env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
        yield address
    finally:
        process.terminate()
        assert await process.wait() == 0
