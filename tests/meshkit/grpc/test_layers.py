"""The layers around every method."""

import asyncio
import time
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.user.v1 import user_internal_service_pb2, user_service_pb2
from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceStub

from meshkit.call import CURRENT, Call, caller_id, current_call
from meshkit.errors import InvalidArgumentError, NotFoundError, UnauthenticatedError
from meshkit.grpc.channels import connect
from meshkit.grpc.layers import Handler, Layer, Method, compose
from meshkit.grpc.layers.requests import KNOWN_BYTES, KNOWN_REQUESTS, requests
from meshkit.grpc.server import Process, ServerSettings, running
from tests.errors import reason_of, status_of, violations_of
from tests.meshkit.grpc.servicers import INTERNAL, SERVICE, user_service
from tests.meshkit.grpc.serving import AS_USER, SETTINGS, Gate, internal_users, plain_channel, users

OK = user_service_pb2.GetUserResponse()
ASK = user_service_pb2.GetUserRequest(user_id=1)
GOOD_ACCOUNT = user_service_pb2.CreateUserRequest(handle="ada", password="long enough")


async def _ok(request: Any, context: Any) -> Any:
    return OK


async def test_layers_run_from_the_outermost_in() -> None:
    """The first layer sees a call first and its answer last."""
    seen: list[str] = []

    def layer(name: str) -> Layer:
        def wrap(_method: Method, handler: Handler) -> Handler:
            async def call(request: Any, context: Any) -> Any:
                seen.append(f"{name} in")
                answer = await handler(request, context)
                seen.append(f"{name} out")
                return answer

            return call

        return wrap

    method = Method.of(f"/{SERVICE}/GetUser", user_service_pb2.GetUserRequest.FromString)
    composed = compose(method, (layer("first"), layer("second")), _ok)
    context: Any = None
    assert await composed(ASK, context) is OK
    assert seen == ["first in", "second in", "second out", "first out"]


def test_a_method_knows_its_contract() -> None:
    """Whether a method needs a user follows from the access option; internal methods never do."""
    parse = user_service_pb2.GetUserRequest.FromString
    assert Method.of(f"/{SERVICE}/GetUser", parse).needs_user
    assert not Method.of(f"/{SERVICE}/CreateUser", parse).needs_user
    assert not Method.of("/lensfeed.user.v1.UserInternalService/BatchGetUsers", parse).needs_user


async def test_each_call_knows_its_own_caller() -> None:
    """Concurrent calls each see their own user, session, request id and key."""
    both_in = asyncio.Barrier(2)
    seen: dict[str, Call] = {}

    async def get_user(request: Any, context: Any) -> Any:
        await both_in.wait()
        seen[current_call().request_id] = current_call()
        assert caller_id() == request.user_id
        return OK

    async with users(GetUser=get_user) as stub:

        async def ask(user_id: int) -> None:
            metadata = (
                ("x-user-id", str(user_id)),
                ("x-session-id", f"session-{user_id}"),
                ("x-request-id", f"request-{user_id}"),
                ("idempotency-key", f"key-{user_id}"),
            )
            await stub.GetUser(user_service_pb2.GetUserRequest(user_id=user_id), metadata=metadata, timeout=10)

        await asyncio.gather(ask(1), ask(2))
    assert {(call.user_id, call.session_id, call.request_id, call.idempotency_key) for call in seen.values()} == {
        (1, "session-1", "request-1", "key-1"),
        (2, "session-2", "request-2", "key-2"),
    }


async def test_a_call_without_a_request_id_gets_one() -> None:
    """Two calls without an id can be distinguished in the logs."""
    seen: list[str] = []

    async def get_user(request: Any, context: Any) -> Any:
        seen.append(current_call().request_id)
        return OK

    async with users(GetUser=get_user) as stub:
        await stub.GetUser(ASK, metadata=AS_USER)
        await stub.GetUser(ASK, metadata=AS_USER)
    assert len(set(seen)) == 2
    assert all(seen)


@pytest.mark.parametrize("metadata", [(), (("x-user-id", ""),), (("x-user-id", "ada"),), (("x-user-id", "-1"),)])
async def test_a_method_that_needs_a_user_refuses_others(metadata: tuple[tuple[str, str], ...]) -> None:
    """Without a user id, or with one that is not a number, the method is not called."""
    async with users(GetUser=_ok) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(refused.value) == "TOKEN_MISSING"
        assert await stub.GetUser(ASK, metadata=AS_USER) == OK


async def test_a_method_for_anyone_needs_no_user() -> None:
    """ACCESS_ANYONE admits a call without a token."""

    async def create_user(request: Any, context: Any) -> Any:
        assert current_call().user_id is None
        return user_service_pb2.CreateUserResponse()

    async with users(CreateUser=create_user) as stub:
        assert await stub.CreateUser(GOOD_ACCOUNT) == user_service_pb2.CreateUserResponse()


async def test_a_method_ends_at_its_deadline() -> None:
    """A call past its deadline is cancelled on the server and gets DEADLINE_EXCEEDED."""
    gate = Gate(OK)
    async with users(ServerSettings(default_deadline_seconds=0.05), GetUser=gate) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert reason_of(refused.value) == "DEADLINE_EXCEEDED"
        assert gate.cancelled.is_set()


async def test_each_call_ends_at_its_own_deadline() -> None:
    """A near deadline is neither delayed by nor ends an earlier call with a far one."""
    gate = Gate(OK)
    async with users(ServerSettings(default_deadline_seconds=60), GetUser=gate) as stub:
        patient = stub.GetUser(ASK, metadata=AS_USER)
        await gate.entered.acquire()
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetUser(ASK, metadata=AS_USER, timeout=0.1)
            assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await asyncio.wait_for(gate.cancelled.wait(), 5)
            gate.cancelled.clear()
        gate.let_go()
        assert await patient == OK


async def test_the_clients_deadline_ends_the_method() -> None:
    """The client's deadline reaches the method, which does not continue in vain."""
    gate = Gate(OK)
    async with users(GetUser=gate) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER, timeout=0.2)
        assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(gate.cancelled.wait(), 5)


async def test_a_cancelled_call_ends_the_method() -> None:
    """A cancelled call is cancelled on the server, too."""
    gate = Gate(OK)
    async with users(GetUser=gate) as stub:
        call = stub.GetUser(ASK, metadata=AS_USER)
        await gate.entered.acquire()
        call.cancel()
        await asyncio.wait_for(gate.cancelled.wait(), 5)


async def test_every_invalid_field_is_named() -> None:
    """A request with several errors reports all of them; our own rules have their reason, others FIELD_INVALID."""
    bad = user_service_pb2.CreateUserRequest(handle="NO", display_name="x" * 65, password="short")
    async with users(CreateUser=_ok) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.CreateUser(bad)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(refused.value) == [
        ("handle", "HANDLE_INVALID"),
        ("display_name", "FIELD_INVALID"),
        ("password", "PASSWORD_INVALID"),
    ]
    assert reason_of(refused.value) == "HANDLE_INVALID"
    assert refused.value.details() == "a handle must have 3 to 30 characters of a-z, 0-9, _ and ."


async def test_remembered_requests_admit_no_invalid_one() -> None:
    """Repeated reads are not checked again, but a request that differs in one field is."""
    method = Method.of("/lensfeed.feed.v1.FeedService/GetFeed", feed_service_pb2.GetFeedRequest.FromString)
    passed: list[int] = []

    async def get_feed(request: Any, context: Any) -> Any:
        passed.append(request.limit)
        return b""

    context: Any = None
    call = requests()(method, get_feed)
    token = CURRENT.set(Call("a request", user_id=1))
    limits = [0, 20, 20, *range(1, KNOWN_REQUESTS + 2), 20]
    for limit in limits:
        await call(feed_service_pb2.GetFeedRequest(limit=limit).SerializeToString(), context)
        with pytest.raises(InvalidArgumentError) as refused:
            await call(feed_service_pb2.GetFeedRequest(limit=-1 - limit).SerializeToString(), context)
        assert refused.value.reason == "LIMIT_INVALID"
    CURRENT.reset(token)
    assert passed == limits
    with pytest.raises(UnauthenticatedError):  # a remembered request still needs a user
        await call(feed_service_pb2.GetFeedRequest(limit=20).SerializeToString(), context)


async def test_only_short_reads_share_a_message() -> None:
    """The same bytes are parsed once; long requests and those of writes are parsed each time."""
    seen: list[Any] = []

    async def method(request: Any, context: Any) -> Any:
        seen.append(request)
        return b""

    short, long = (
        user_service_pb2.GetUserByHandleRequest(handle="a" * size).SerializeToString() for size in (5, KNOWN_BYTES)
    )
    read = Method.of(f"/{SERVICE}/GetUserByHandle", user_service_pb2.GetUserByHandleRequest.FromString)
    write = Method.of(f"/{SERVICE}/CreateUser", user_service_pb2.CreateUserRequest.FromString)
    context: Any = None
    layer = requests()
    token = CURRENT.set(Call("a request", user_id=1))
    for known, request, shares in (
        (read, short, True),
        (read, long, False),
        (write, GOOD_ACCOUNT.SerializeToString(), False),
    ):
        call = layer(known, method)
        seen.clear()
        for _ in range(2):
            await call(request, context)
        assert (seen[0] is seen[1], seen[0] == seen[1]) == (shares, True)
    CURRENT.reset(token)


def test_only_reads_may_be_remembered() -> None:
    """Other requests may contain a secret. The contract says which methods only read."""
    assert Method.of(f"/{SERVICE}/GetUser", user_service_pb2.GetUserRequest.FromString).is_read
    assert not Method.of(f"/{SERVICE}/CreateUser", user_service_pb2.CreateUserRequest.FromString).is_read
    assert not Method.of(f"/{SERVICE}/CreateSession", user_service_pb2.CreateSessionRequest.FromString).is_read


@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\x02\xff\xfe"], ids=["no message", "no UTF-8"])
async def test_invalid_bytes_are_refused(raw: bytes) -> None:
    """Invalid protobuf and text that is not UTF-8 are the caller's errors."""
    process = Process("users", [user_service(CreateUser=_ok)])
    async with running(process, SETTINGS) as address, plain_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(f"/{SERVICE}/CreateUser", bytes, bytes)(raw)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refused.value) == "BODY_MALFORMED"


async def test_a_method_may_answer_with_bytes() -> None:
    """A response that is already serialized is sent as it is."""
    ready = user_service_pb2.GetUserResponse()
    ready.user.handle = "ada"

    async def get_user(request: Any, context: Any) -> Any:
        return ready.SerializeToString()

    async with users(GetUser=get_user) as stub:
        assert await stub.GetUser(ASK, metadata=AS_USER) == ready


async def test_an_error_of_the_domain_reaches_the_caller() -> None:
    """The caller gets the code, message and reason of the use case."""

    async def get_user(request: Any, context: Any) -> Any:
        raise NotFoundError("USER_NOT_FOUND", "there is no such account")

    async with users(GetUser=get_user) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert refused.value.details() == "there is no such account"
    assert reason_of(refused.value) == "USER_NOT_FOUND"
    assert status_of(refused.value).code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_an_unexpected_error_leaks_nothing() -> None:
    """A bug results in INTERNAL without its text or place."""

    async def get_user(request: Any, context: Any) -> Any:
        raise RuntimeError("password hunter2 at /srv/secret")

    async with users(GetUser=get_user) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    assert reason_of(refused.value) == "INTERNAL"
    everything = f"{refused.value.details()} {refused.value.debug_error_string()} {status_of(refused.value)}"
    assert "something went wrong on our side" in everything
    assert not any(word in everything for word in ("hunter2", "/srv/secret", "RuntimeError", "Traceback", ".py"))


async def test_a_peers_outage_is_reported_as_ours() -> None:
    """A call that needs a missing peer is UNAVAILABLE, and the peer is not named."""
    async with connect("127.0.0.1:1", INTERNAL) as channel:
        internal: Any = UserInternalServiceStub(channel)

        async def get_user(request: Any, context: Any) -> Any:
            await internal.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())

        async with users(GetUser=get_user) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetUser(ASK, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == "a part of the service is down"


async def test_a_peers_error_is_internal() -> None:
    """Any other error of a peer is INTERNAL for the caller."""

    async def batch_get_users(request: Any, context: Any) -> Any:
        raise NotFoundError("SECRET_REASON", "secret words")

    async with internal_users(batch_get_users) as internal:

        async def get_user(request: Any, context: Any) -> Any:
            await internal.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())

        async with users(GetUser=get_user) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetUser(ASK, metadata=AS_USER)
    assert reason_of(refused.value) == "INTERNAL"
    assert "secret" not in str(status_of(refused.value)).lower()


async def test_a_missing_method_is_unimplemented() -> None:
    """A method of the contract without code is UNIMPLEMENTED."""
    async with users() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert reason_of(refused.value) == "NOT_IMPLEMENTED"


async def test_a_full_server_sheds_and_recovers() -> None:
    """While max_in_flight calls hang, another is refused at once with RetryInfo; later calls succeed."""
    gate = Gate(OK)
    async with users(ServerSettings(max_in_flight=2), GetUser=gate) as stub:
        hanging = [stub.GetUser(ASK, metadata=AS_USER) for _ in range(2)]
        for _ in hanging:
            await gate.entered.acquire()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUser(ASK, metadata=AS_USER)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reason_of(refused.value) == "OVERLOADED"
        retry = error_details_pb2.RetryInfo()
        assert any(each.Unpack(retry) for each in status_of(refused.value).details)
        assert retry.retry_delay.seconds == 1
        gate.let_go()
        assert [await call for call in hanging] == [OK, OK]
        assert await stub.GetUser(ASK, metadata=AS_USER) == OK


async def test_cancelled_calls_free_their_slots() -> None:
    """Clients that cancel do not fill the server."""
    gate = Gate(OK)
    async with users(ServerSettings(max_in_flight=1), GetUser=gate) as stub:
        for _ in range(3):
            call = stub.GetUser(ASK, metadata=AS_USER)
            await gate.entered.acquire()
            call.cancel()
            await asyncio.wait_for(gate.cancelled.wait(), 5)
            gate.cancelled.clear()
        gate.let_go()
        assert await stub.GetUser(ASK, metadata=AS_USER) == OK


async def test_a_child_call_has_less_time_than_its_parent() -> None:
    """A peer must answer before the deadline of the method's own caller."""
    left: dict[str, float] = {}

    async def batch_get_users(request: Any, context: Any) -> Any:
        left["now"], left["child"] = time.monotonic(), current_call().deadline or 0.0
        return user_internal_service_pb2.BatchGetUsersResponse()

    async with internal_users(batch_get_users) as internal:

        async def get_user(request: Any, context: Any) -> Any:
            left["parent"] = current_call().deadline or 0.0
            await internal.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())
            return OK

        async with users(GetUser=get_user) as stub:
            await stub.GetUser(ASK, metadata=AS_USER, timeout=5)
    assert left["now"] < left["child"] < left["parent"]


async def test_no_child_call_starts_after_the_deadline() -> None:
    """A method past its deadline calls no peer, and its caller gets DEADLINE_EXCEEDED."""
    asked: list[Any] = []

    async def batch_get_users(request: Any, context: Any) -> Any:
        asked.append(request)
        return user_internal_service_pb2.BatchGetUsersResponse()

    async with internal_users(batch_get_users) as internal:

        async def get_user(request: Any, context: Any) -> Any:
            while (current_call().remaining() or 0) > 0.005:
                time.sleep(0.001)  # noqa: ASYNC251 - blocks the loop on purpose
            await internal.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())

        async with users(ServerSettings(default_deadline_seconds=0.1), GetUser=get_user) as stub:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.GetUser(ASK, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert asked == []


async def test_request_id_and_trace_pass_to_the_child_call() -> None:
    """Request id and trace context are passed on; the user is not."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    seen: list[Call] = []

    async def batch_get_users(request: Any, context: Any) -> Any:
        seen.append(current_call())
        return user_internal_service_pb2.BatchGetUsersResponse()

    async with internal_users(batch_get_users) as internal:

        async def get_user(request: Any, context: Any) -> Any:
            await internal.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())
            return OK

        async with users(GetUser=get_user) as stub:
            await stub.GetUser(ASK, metadata=(*AS_USER, ("x-request-id", "r-1"), ("traceparent", trace)))
    [child] = seen
    assert (child.request_id, child.traceparent, child.user_id) == ("r-1", trace, None)
