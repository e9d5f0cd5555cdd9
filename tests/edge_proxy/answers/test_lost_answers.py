"""Calls without an answer: those that never began, and those that may have been done."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code
from lensfeed.post.v1.post_service_pb2 import CreatePostRequest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving
from tests.protocols import Outcome, grpc_call, grpc_web_call, rest_outcome

pytestmark = pytest.mark.slow

CREATE_POST = "/lensfeed.post.v1.PostService/CreatePost"


async def post(edge: Edge, headers: dict[str, str], way: str) -> Outcome:
    """Create a post by one protocol."""
    if way == "REST":
        return rest_outcome(await edge.http.post("/posts", json={}, headers=headers))
    call = grpc_call if way == "gRPC" else grpc_web_call
    return await call(edge, CREATE_POST, CreatePostRequest(), headers)


EVERY_WAY = pytest.mark.parametrize("way", ["REST", "gRPC", "gRPC-Web"])


@pytest_asyncio.fixture(loop_scope="session")
async def slow() -> AsyncIterator[tuple[Process, str]]:
    """Yield a backend that never answers in time, and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.edge_proxy.answers.hanging_backend", "127.0.0.1:0", "600", stdout=PIPE
    )
    assert process.stdout is not None
    yield process, (await process.stdout.readline()).decode().strip()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


@EVERY_WAY
async def test_a_call_that_never_began_can_be_repeated(
    edge_without_services: Edge, bearer: dict[str, str], way: str
) -> None:
    """If no service could be reached, the answer is UNAVAILABLE with a time to retry, even for a change."""
    outcome = await post(edge_without_services, bearer, way)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "UNAVAILABLE")
    assert (outcome.retry_after, outcome.retry_delay) == ("1", 1)


@EVERY_WAY
async def test_a_lost_answer_leaves_the_outcome_unknown(
    slow: tuple[Process, str], tmp_path: Path, jwks_file: Path, bearer: dict[str, str], way: str
) -> None:
    """If a service dies with a call, the answer is OUTCOME_UNKNOWN without a time to retry."""
    process, address = slow
    settings = {**services_at(address), "LENSFEED_EDGE_TIMEOUT_SECONDS": "60"}
    async with running_edge(tmp_path, jwks_file, settings) as edge:
        await until_serving(edge)
        call = asyncio.ensure_future(post(edge, bearer, way))
        assert process.stdout is not None
        assert await process.stdout.readline() == b"called\n"
        process.kill()
        outcome = await call
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "OUTCOME_UNKNOWN")
    assert (outcome.retry_after, outcome.retry_delay) == ("", 0)


async def test_a_services_own_word_is_passed_on(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """What a service says about its outcome reaches the caller unchanged."""
    backend.failure, backend.failures_left = (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN", "not confirmed"), 1
    response = await edge.http.post("/posts", json={}, headers=bearer)
    assert (response.status_code, rest_outcome(response).reason) == (503, "OUTCOME_UNKNOWN")
    assert "retry-after" not in response.headers
