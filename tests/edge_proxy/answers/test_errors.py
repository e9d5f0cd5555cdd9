"""Errors of the edge and of services, as callers get them."""

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.post.v1 import post_service_pb2
from lensfeed.user.v1 import user_internal_service_pb2

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import ORIGIN, Edge
from tests.edge_proxy.protocols import ALL, ReadFeed
from tests.protocols import grpc_call, grpc_web_call

MEBIBYTE = 1024 * 1024
UNKNOWN_PATHS = {
    "/lensfeed.feed.v1.FeedService/Nothing": feed_service_pb2.GetFeedRequest(),
    "/lensfeed.nothing.v1.NothingService/Get": feed_service_pb2.GetFeedRequest(),
    "/lensfeed.user.v1.UserInternalService/BatchGetUsers": user_internal_service_pb2.BatchGetUsersRequest(),
    "/grpc.channelz.v1.Channelz/GetServers": feed_service_pb2.GetFeedRequest(),
    "/grpc.health.v1.Health/Watch": feed_service_pb2.GetFeedRequest(),
}


def refusal(response: httpx.Response) -> tuple[int, int, str]:
    """Return HTTP status, code and reason of an error, after checking its form."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"code", "message", "details"}
    info = body["details"][0]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert info["domain"] == "lensfeed"
    assert not {"grpc-status", "grpc-message", "grpc-status-details-bin"} & set(response.headers)
    for word in ("upstream", "envoy", "jwt", "127.0.0.1", "cluster"):
        assert word not in response.text.lower()
        assert word not in str(response.headers).lower()
    return response.status_code, body["code"], info["reason"]


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/follows", b'{"followeeId":'),
        ("POST", "/follows", b'{"followeeId":"x"}'),
        ("POST", "/follows", b"[]"),
        ("POST", "/posts", b'{"caption":"\xff\xfe"}'),
        ("POST", "/posts", b'{"caption":"\\ud800"}'),
        ("GET", "/feed?unknown=1", b""),
        ("GET", "/feed?limit=many", b""),
        ("GET", "/users/ann", b""),
        ("GET", "/users/99999999999999999999", b""),
        ("GET", "/users%2F5", b""),
    ],
)
async def test_malformed_requests_get_400(
    edge: Edge, backend: Backend, bearer: dict[str, str], method: str, path: str, content: bytes
) -> None:
    """An invalid body, query or path value gets 400 and does not reach a service."""
    response = await edge.http.request(method, path, content=content, headers=bearer)
    assert refusal(response) == (400, Code.INVALID_ARGUMENT, "BODY_MALFORMED")
    assert backend.seen == []


@pytest.mark.parametrize("header", ["grpc-timeout", "grpc-encoding"])
async def test_malformed_grpc_headers_get_400(edge: Edge, bearer: dict[str, str], header: str) -> None:
    """An invalid gRPC header is the caller's error, not an internal one."""
    response = await edge.http.get("/feed", headers={**bearer, header: "nonsense"})
    assert refusal(response) == (400, Code.INVALID_ARGUMENT, "BODY_MALFORMED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/"),
        ("PUT", "/openapi.json"),
        ("PUT", "/feed"),
        ("POST", "/feed"),
        ("DELETE", "/healthz"),
        ("GET", "/users/5/nothing"),
        ("POST", "/lensfeed.feed.v1.FeedService/GetFeed"),
        ("POST", "/lensfeed.user.v1.UserInternalService/BatchGetUsers"),
    ],
)
async def test_unknown_methods_in_rest(
    edge: Edge, backend: Backend, bearer: dict[str, str], method: str, path: str
) -> None:
    """Unknown paths, wrong HTTP methods and JSON on gRPC paths get 404."""
    response = await edge.http.request(method, path, headers=bearer)
    assert refusal(response) == (404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert backend.seen == []


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("is_web", [False, True])
async def test_unknown_methods_in_grpc(
    edge: Edge, backend: Backend, bearer: dict[str, str], path: str, is_web: bool
) -> None:
    """Missing, internal and operators' methods are unknown to apps."""
    call = grpc_web_call if is_web else grpc_call
    outcome = await call(edge, path, UNKNOWN_PATHS[path], bearer)
    assert (outcome.code, outcome.reason) == (Code.UNIMPLEMENTED, "METHOD_UNKNOWN")
    assert backend.seen == []


@pytest.mark.parametrize(("path", "most"), [("/posts", 64 * 1024), ("/media/5/complete", 128 * 1024)])
async def test_a_body_has_a_limit(edge: Edge, backend: Backend, bearer: dict[str, str], path: str, most: int) -> None:
    """A body of exactly what a method takes passes, and one byte more is 413."""
    largest = b"{" + b" " * (most - 2) + b"}"
    assert (await edge.http.post(path, content=largest, headers=bearer)).status_code == 200
    backend.seen.clear()
    response = await edge.http.post(path, content=largest + b" ", headers=bearer)
    assert refusal(response) == (413, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert backend.seen == []


@pytest.mark.parametrize("is_web", [False, True])
async def test_large_messages_are_refused_in_grpc(
    edge: Edge, backend: Backend, bearer: dict[str, str], is_web: bool
) -> None:
    """The size limit applies to gRPC and gRPC-Web, too."""
    request: Message = post_service_pb2.CreatePostRequest(caption="a" * MEBIBYTE)
    call = grpc_web_call if is_web else grpc_call
    outcome = await call(edge, "/lensfeed.post.v1.PostService/CreatePost", request, bearer)
    assert (outcome.code, outcome.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert backend.seen == []


@pytest.mark.parametrize("read_feed", ALL)
async def test_an_unreachable_service_is_unavailable(
    edge_without_services: Edge, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """If a service is down, the caller learns when to retry and no internals."""
    outcome = await read_feed(edge_without_services, bearer)
    assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "UNAVAILABLE")
    assert (outcome.retry_after, outcome.retry_delay) == ("1", 1)


async def test_an_unreachable_service_is_http_503(edge_without_services: Edge, bearer: dict[str, str]) -> None:
    """In REST an unavailable service is a 503 with Retry-After."""
    response = await edge_without_services.http.get("/feed", headers=bearer)
    assert refusal(response) == (503, Code.UNAVAILABLE, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


@pytest.mark.slow
@pytest.mark.parametrize("read_feed", ALL)
async def test_a_slow_service_ends_at_the_deadline(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """A call that exceeds the edge's timeout gets DEADLINE_EXCEEDED."""
    backend.delay = 60
    outcome = await read_feed(edge, bearer)
    assert (outcome.code, outcome.reason) == (Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


@pytest.mark.parametrize(
    ("code", "http_status"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.FAILED_PRECONDITION, 400),
        (grpc.StatusCode.UNAUTHENTICATED, 401),
        (grpc.StatusCode.PERMISSION_DENIED, 403),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.ALREADY_EXISTS, 409),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.INTERNAL, 500),
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    ],
)
async def test_a_services_error_becomes_json(
    edge: Edge, backend: Backend, bearer: dict[str, str], code: grpc.StatusCode, http_status: int
) -> None:
    """A service's error maps to an HTTP status, with details and without gRPC headers."""
    backend.failure, backend.failures_left = (code, "SOME_REASON", "a text for people"), 2
    response = await edge.http.get("/feed", headers=bearer)
    assert refusal(response) == (http_status, code.value[0], "SOME_REASON")
    assert response.json()["message"] == "a text for people"


@pytest.mark.parametrize("read_feed", ALL)
async def test_a_services_error_is_the_same_in_every_protocol(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed
) -> None:
    """Message, details and `retry-after` reach the caller of each protocol."""
    backend.failure, backend.failures_left = (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "try later"), 1
    backend.trailers = (("retry-after", "7"),)
    outcome = await read_feed(edge, bearer)
    assert (outcome.code, outcome.reason, outcome.message) == (Code.RESOURCE_EXHAUSTED, "OVERLOADED", "try later")
    assert outcome.retry_after == "7"


async def test_a_repeatable_call_is_retried(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A failing replica is hidden from callers of repeatable methods."""
    backend.failure, backend.failures_left = (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "going down"), 1
    assert (await edge.http.get("/feed", headers=bearer)).status_code == 200
    assert len(backend.seen) == 2


async def test_other_calls_are_not_retried(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """The edge never retries a method that its contract does not declare repeatable."""
    backend.failure, backend.failures_left = (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "going down"), 1
    assert (await edge.http.post("/posts", json={}, headers=bearer)).status_code == 503
    assert len(backend.seen) == 1


async def test_configured_origins_may_call(edge: Edge, bearer: dict[str, str]) -> None:
    """Pages of a configured origin pass preflights and can read errors."""
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    preflight = await edge.http.options("/posts", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    for headers in ({}, bearer):
        response = await edge.http.get("/feed", headers={"origin": ORIGIN, **headers})
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert "grpc-status" in response.headers["access-control-expose-headers"]


async def test_other_origins_may_not_call(edge: Edge, bearer: dict[str, str]) -> None:
    """Other origins get no CORS headers."""
    other = {"origin": "https://other.example", "access-control-request-method": "GET"}
    for response in (
        await edge.http.options("/feed", headers=other),
        await edge.http.get("/feed", headers={**bearer, **other}),
    ):
        assert "access-control-allow-origin" not in response.headers
