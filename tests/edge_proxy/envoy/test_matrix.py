"""Every method in every protocol, with every kind of false identity."""

import asyncio
from collections.abc import Awaitable, Callable

from google.protobuf.empty_pb2 import Empty
from google.rpc.code_pb2 import Code

from tests.blackbox.people import eventually
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer
from tests.protocols import Headers, Outcome, grpc_call, grpc_web_call, rest_outcome
from tests.rpcs import HIDDEN, PUBLIC, RPCS, Rpc

# All spellings that some server might accept.
FORGED = {
    "x-user-id": "1",
    "X-Session-Id": "forged",
    "x_user_id": "1",
    "x-user-id-bin": "MQ",
    "x-lensfeed-user-id": "1",
    "x-envoy-original-path": "/lensfeed.user.v1.UserService/CreateUser",
}
UNAUTHENTICATED: dict[str, Headers] = {
    "nothing": {},
    "a claimed identity": {"x-user-id": "1", "x-session-id": "forged"},
    "an invalid token": {"authorization": "Bearer x.y.z", "x-user-id": "1"},
    "another scheme": {"authorization": "Basic MTox", "x-user-id": "1"},
}


async def by_rest(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by REST, or with JSON on the gRPC path for methods without REST."""
    verb, path = (rpc.verb, rpc.rest_path) if rpc.verb else ("POST", rpc.path)
    body = b"{}" if verb in {"POST", "PATCH", "PUT"} else b""
    response = await edge.http.request(verb, path, content=body, headers=headers)
    return Outcome(0) if response.is_redirect else rest_outcome(response)


async def by_grpc(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by gRPC, whose library needs lowercase header names."""
    lower = {name.lower(): value for name, value in headers.items()}
    return await grpc_call(edge, rpc.path, Empty(), lower)


async def by_grpc_web(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by gRPC-Web."""
    return await grpc_web_call(edge, rpc.path, Empty(), headers)


ByProtocol = Callable[[Edge, Rpc, Headers], Awaitable[Outcome]]
PROTOCOLS: tuple[ByProtocol, ...] = (by_rest, by_grpc, by_grpc_web)


async def test_calls_without_a_token_are_refused(edge: Edge, backend: Backend, tell: Callable[[str], None]) -> None:
    """Methods that need a token refuse calls without a valid one."""
    protected = [rpc for rpc in PUBLIC if not rpc.is_open]
    assert len(protected) > 10
    refused = 0
    for rpc in protected:
        for kind, headers in UNAUTHENTICATED.items():
            for call in PROTOCOLS:
                outcome = await call(edge, rpc, headers)
                assert (outcome.code, outcome.reason[:5]) == (Code.UNAUTHENTICATED, "TOKEN"), f"{rpc}: {kind}"
                refused += 1
    assert backend.seen == []
    tell(f"edge, no token: {refused} calls of {len(protected)} methods, 0 reached a service")


async def test_claimed_identities_reach_no_service(
    edge: Edge, backend: Backend, signer: Signer, tell: Callable[[str], None]
) -> None:
    """Every method gets the token's user or none, never the claimed one."""
    bearer = {"authorization": f"Bearer {signer.token()}"}
    for rpc in PUBLIC:
        for call in PROTOCOLS:

            async def outcome(call: ByProtocol = call, rpc: Rpc = rpc) -> Outcome:
                backend.seen.clear()
                return await call(edge, rpc, {**bearer, **FORGED})

            # The edge may find a connection closed, and repeats few methods itself.
            await eventually(outcome, lambda outcome: outcome.code != Code.UNAVAILABLE)
            (seen,) = backend.seen
            assert seen.method == rpc.name
            known = (None, None) if rpc.is_open else ("42", "s-1")
            assert (seen.metadata.get("x-user-id"), seen.metadata.get("x-session-id")) == known, rpc
            others = {name for name in seen.metadata if "user" in name or "lensfeed" in name or name.endswith("-bin")}
            made = {"x-lensfeed-content-type", "x-lensfeed-address", "x-lensfeed-rest"}
            assert others <= {"x-user-id", "user-agent", *made}, rpc
    tell(f"edge, stated identity: {len(PUBLIC) * len(PROTOCOLS)} calls of {len(PUBLIC)} methods, 0 took it")


async def test_internal_methods_cannot_be_called(
    edge: Edge, backend: Backend, bearer: Headers, tell: Callable[[str], None]
) -> None:
    """Methods that are not public are unknown in every protocol, even with a valid token."""
    assert len(HIDDEN) > 4
    for rpc in HIDDEN:
        for call in PROTOCOLS:
            for headers in (bearer, {**bearer, **FORGED}):
                outcome = await call(edge, rpc, headers)
                assert (outcome.code, outcome.reason) == (Code.UNIMPLEMENTED, "METHOD_UNKNOWN"), rpc
    assert backend.seen == []
    tell(f"edge, internal: {len(HIDDEN) * len(PROTOCOLS) * 2} calls of {len(HIDDEN)} methods, 0 reached a service")


async def test_the_backend_has_every_method(backend: Backend) -> None:
    """The backend has every method of every contract, so that it would record any call."""
    assert {f"/{name}" for name in backend.methods} == {rpc.path for rpc in RPCS}


async def test_request_trailers_are_not_headers(edge: Edge, backend: Backend) -> None:
    """A trailer of a request does not become a header."""
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    head = "POST /sessions HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
    writer.write(f"{head}trailer: x-user-id\r\n\r\n2\r\n{{}}\r\n0\r\nx-user-id: 1\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert "x-user-id" not in backend.last.metadata
