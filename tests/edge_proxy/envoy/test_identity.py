"""The caller's identity comes from the token only."""

from functools import partial

import pytest
from lensfeed.user.v1 import user_service_pb2

from tests.blackbox.people import eventually
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import TIMEOUT_SECONDS, Edge
from tests.edge_proxy.protocols import ALL, ReadFeed
from tests.protocols import grpc_call, grpc_web_call

CREATE_USER = "/lensfeed.user.v1.UserService/CreateUser"
FORGED = {
    "x-user-id": "1",
    "x-session-id": "forged",
    "x-lensfeed-anything": "forged",
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-original-path": "/forged",
    "x-note-bin": "Zm9yZ2Vk",
}


@pytest.mark.parametrize("read_feed", ALL)
async def test_identity_comes_from_the_token(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """A service gets the token's user and session, whatever the caller claims, and never the token."""
    assert (await read_feed(edge, {**bearer, **FORGED})).code == 0
    seen = backend.last.metadata
    assert (seen["x-user-id"], seen["x-session-id"]) == ("42", "s-1")
    assert "authorization" not in seen


@pytest.mark.parametrize("read_feed", ALL)
async def test_internal_headers_are_dropped(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """Internal headers from outside are dropped and have no effect."""
    assert (await read_feed(edge, {**bearer, **FORGED})).code == 0
    assert "forged" not in " ".join(str(value) for value in backend.last.metadata.values())
    assert "x-lensfeed-anything" not in backend.last.metadata


@pytest.mark.parametrize("protocol", ["rest", "grpc", "grpc_web"])
async def test_open_methods_carry_no_identity(edge: Edge, backend: Backend, protocol: str) -> None:
    """Methods without a token drop claimed identities, too."""
    request = user_service_pb2.CreateUserRequest(handle="ann")
    if protocol == "rest":
        response = await edge.http.post("/users", json={"handle": "ann"}, headers=FORGED)
        assert response.status_code == 200
    else:
        call = grpc_call if protocol == "grpc" else grpc_web_call
        assert (await call(edge, CREATE_USER, request, FORGED)).code == 0
    assert backend.last.request == request
    assert not {"x-user-id", "x-session-id", "x-lensfeed-anything"} & set(backend.last.metadata)


@pytest.mark.parametrize("read_feed", ALL)
async def test_every_call_has_a_deadline(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """Calls without a deadline get the edge's."""
    assert (await read_feed(edge, bearer)).code == 0
    assert backend.last.seconds_left is not None
    assert 0 < backend.last.seconds_left <= TIMEOUT_SECONDS + 1


@pytest.mark.parametrize("read_feed", ALL)
async def test_a_callers_deadline_is_kept(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """A deadline set by the caller reaches the service."""
    assert (await read_feed(edge, {**bearer, "grpc-timeout": "900m"})).code == 0
    assert backend.last.seconds_left is not None
    assert 0 < backend.last.seconds_left < TIMEOUT_SECONDS


async def test_headers_for_services_pass(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Idempotency key and the response's request id reach the service."""
    headers = {**bearer, "Idempotency-Key": "key-1"}
    post = partial(edge.http.post, "/posts", json={"caption": "hello"}, headers=headers)
    # Not repeatable for the edge, which may find a connection closed.
    response = await eventually(post, lambda response: response.is_success)
    seen = backend.last.metadata
    assert seen["idempotency-key"] == "key-1"
    assert seen["x-request-id"] == response.headers["x-request-id"]
