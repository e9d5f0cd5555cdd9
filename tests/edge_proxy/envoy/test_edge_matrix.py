"""Every method, over every protocol, with every wrong way to say who calls: nothing of it reaches a service."""

import asyncio
from collections.abc import Callable

from google.protobuf.empty_pb2 import Empty
from google.rpc.code_pb2 import Code

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer
from tests.protocols import Headers, Outcome, grpc_call, grpc_web_call, rest_outcome
from tests.rpcs import INTERNAL, PUBLIC, RPCS, Rpc

# In every writing that some reader takes for the name.
FORGED = {
    "x-user-id": "1",
    "X-Session-Id": "forged",
    "x_user_id": "1",
    "x-user-id-bin": "MQ",
    "x-lensfeed-user-id": "1",
    "x-envoy-original-path": "/lensfeed.user.v1.UserService/CreateUser",
}
NOBODY: dict[str, Headers] = {
    "nothing": {},
    "a stated identity": {"x-user-id": "1", "x-session-id": "forged"},
    "no token of ours": {"authorization": "Bearer x.y.z", "x-user-id": "1"},
    "another scheme": {"authorization": "Basic MTox", "x-user-id": "1"},
}


async def by_rest(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by REST; what has none is called by JSON on its gRPC path."""
    verb, path = (rpc.verb, rpc.rest_path) if rpc.verb else ("POST", rpc.path)
    body = b"{}" if verb in {"POST", "PATCH", "PUT"} else b""
    response = await edge.http.request(verb, path, content=body, headers=headers)
    return Outcome(0) if response.is_redirect else rest_outcome(response)


async def by_grpc(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by gRPC, whose library wants names in lower case and some values as bytes."""
    lower = {name.lower(): value for name, value in headers.items()}
    return await grpc_call(edge, rpc.path, Empty(), lower)


async def by_grpc_web(edge: Edge, rpc: Rpc, headers: Headers) -> Outcome:
    """Call by gRPC-Web."""
    return await grpc_web_call(edge, rpc.path, Empty(), headers)


PROTOCOLS = (by_rest, by_grpc, by_grpc_web)


async def test_nobody_gets_an_answer(edge: Edge, backend: Backend, tell: Callable[[str], None]) -> None:
    """Without a token of ours, each method that asks for one refuses, whatever else the caller says of itself."""
    protected = [rpc for rpc in PUBLIC if not rpc.is_open]
    assert len(protected) > 10
    refused = 0
    for rpc in protected:
        for kind, headers in NOBODY.items():
            for call in PROTOCOLS:
                outcome = await call(edge, rpc, headers)
                assert (outcome.code, outcome.reason[:5]) == (Code.UNAUTHENTICATED, "TOKEN"), f"{rpc}: {kind}"
                refused += 1
    assert backend.seen == []
    tell(f"edge, no token: {refused} calls of {len(protected)} methods, 0 reached a service")


async def test_a_stated_identity_reaches_no_service(
    edge: Edge, backend: Backend, signer: Signer, tell: Callable[[str], None]
) -> None:
    """Every method of every protocol gets the token's user, or nobody where it asks for no token; never the stated one."""
    bearer = {"authorization": f"Bearer {signer.token()}"}
    for rpc in PUBLIC:
        for call in PROTOCOLS:
            backend.seen.clear()
            await call(edge, rpc, {**bearer, **FORGED})
            (seen,) = backend.seen
            assert seen.method == rpc.name
            known = (None, None) if rpc.is_open else ("42", "s-1")
            assert (seen.metadata.get("x-user-id"), seen.metadata.get("x-session-id")) == known, rpc
            others = {name for name in seen.metadata if "user" in name or "lensfeed" in name or name.endswith("-bin")}
            assert others <= {"x-user-id", "user-agent", "x-lensfeed-content-type"}, rpc
    tell(f"edge, stated identity: {len(PUBLIC) * len(PROTOCOLS)} calls of {len(PUBLIC)} methods, 0 took it")


async def test_internal_methods_are_out_of_reach(
    edge: Edge, backend: Backend, bearer: Headers, tell: Callable[[str], None]
) -> None:
    """The services' methods for each other are unknown, with a good token, in every protocol."""
    assert len(INTERNAL) > 4
    for rpc in INTERNAL:
        for call in PROTOCOLS:
            for headers in (bearer, {**bearer, **FORGED}):
                outcome = await call(edge, rpc, headers)
                assert (outcome.code, outcome.reason) == (Code.UNIMPLEMENTED, "METHOD_UNKNOWN"), rpc
    assert backend.seen == []
    tell(f"edge, internal: {len(INTERNAL) * len(PROTOCOLS) * 2} calls of {len(INTERNAL)} methods, 0 reached a service")


async def test_the_backend_would_notice(backend: Backend) -> None:
    """It has every method of every contract, the internal ones too: a call that got through would be seen."""
    assert {f"/{name}" for name in backend.methods} == {rpc.path for rpc in RPCS}


async def test_trailers_state_nothing(edge: Edge, backend: Backend) -> None:
    """What stands after the body of a request does not become a header of it."""
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    head = "POST /sessions HTTP/1.1\r\nhost: edge\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
    writer.write(f"{head}trailer: x-user-id\r\n\r\n2\r\n{{}}\r\n0\r\nx-user-id: 1\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert "x-user-id" not in backend.last.metadata
