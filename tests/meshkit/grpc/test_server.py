"""The server: health, reflection, unknown methods, large messages, and the channel's retries."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from lensfeed.user.v1 import user_service_pb2
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from meshkit.errors import UnavailableError
from meshkit.grpc.channels import connect, service_config
from meshkit.grpc.health import INTERVAL_SECONDS
from meshkit.grpc.server import MAX_MESSAGE_BYTES, Process, running
from tests.errors import reason_of
from tests.meshkit.grpc.servicers import INTERNAL, SERVICE, user_service
from tests.meshkit.grpc.serving import AS_USER, SETTINGS, plain_channel, users

pytestmark = pytest.mark.slow

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
ASK = user_service_pb2.GetUserRequest(user_id=1)
GOOD_ACCOUNT = user_service_pb2.CreateUserRequest(handle="ada", password="long enough")
CALLS = 20


class _Part:
    """A dependency."""

    def __init__(self) -> None:
        self.is_down = False
        self.seconds = 0.0

    async def check(self) -> None:
        """Respond, or raise."""
        await asyncio.sleep(self.seconds)
        if self.is_down:
            raise ConnectionError("down")


async def test_health_follows_a_part() -> None:
    """A process is NOT_SERVING while a dependency is down, and SERVING afterwards."""
    part = _Part()
    process = Process("one", [user_service()], dependencies={"part": part.check})
    async with running(process, SETTINGS) as address, plain_channel(address) as channel:
        changes: Any = aiter(health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()))
        async with asyncio.timeout(20 * INTERVAL_SECONDS):
            assert (await anext(changes)).status == SERVING
            part.is_down = True
            assert (await anext(changes)).status == NOT_SERVING
            part.is_down = False
            assert (await anext(changes)).status == SERVING


async def test_health_is_correct_from_the_first_call() -> None:
    """A process that starts while a dependency is down is never SERVING before its first check."""
    part = _Part()
    part.is_down, part.seconds = True, 0.5
    process = Process("one", [user_service()], dependencies={"part": part.check})
    async with running(process, SETTINGS) as address, plain_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING


async def test_reflection_lists_the_services() -> None:
    """Grpcurl lists the services of a process, including health, channelz and reflection."""
    process = Process("one", [user_service()])
    async with running(process, SETTINGS) as address, plain_channel(address) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        [answer] = [each async for each in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answer.list_services_response.service}
    built_in = {"grpc.channelz.v1.Channelz", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert names == {SERVICE, *built_in}


async def counted(stub: Any) -> dict[int, int]:
    """Return the number of calls of each server in this process, including other tests' servers."""
    counts: dict[int, int] = {}
    is_end = False
    while not is_end:
        page = await stub.GetServers(channelz_pb2.GetServersRequest(start_server_id=max(counts, default=-1) + 1))
        counts |= {each.ref.server_id: each.data.calls_succeeded for each in page.server}
        is_end = page.end
    return counts


async def test_channelz_counts_calls() -> None:
    """Channelz shows the server and its calls; a missing item is a status."""
    async with running(Process("one", [user_service()]), SETTINGS) as address, plain_channel(address) as channel:
        stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
        before = await counted(stub)
        for number in before:
            for _ in range(CALLS):
                await stub.GetServer(channelz_pb2.GetServerRequest(server_id=number))
        after = await counted(stub)
        [_] = [number for number, calls in before.items() if after[number] - calls >= CALLS * len(before)]
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stub.GetServer(channelz_pb2.GetServerRequest(server_id=2**40))
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    "path", [f"/{SERVICE}/Nothing", "/no.such.Service/GetUser", "/x", f"/{INTERNAL}/BatchGetUsers"]
)
async def test_an_unknown_method_is_refused(path: str) -> None:
    """An unknown path is METHOD_UNKNOWN, whatever else is wrong with the call."""
    process = Process("one", [user_service()])
    async with running(process, SETTINGS) as address, plain_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(path, bytes, bytes)(b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert reason_of(refused.value) == "METHOD_UNKNOWN"


async def test_a_large_message_is_refused() -> None:
    """A request over 1 MiB does not reach a method; a slightly smaller one does."""
    reached: list[int] = []

    async def get_user_by_handle(request: Any, context: Any) -> Any:
        reached.append(len(request.handle))
        return user_service_pb2.GetUserByHandleResponse()

    async with users(GetUserByHandle=get_user_by_handle) as stub:
        small = user_service_pb2.GetUserByHandleRequest(handle="x" * (MAX_MESSAGE_BYTES - 10))
        await stub.GetUserByHandle(small, metadata=AS_USER)
        large = user_service_pb2.GetUserByHandleRequest(handle="x" * MAX_MESSAGE_BYTES)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetUserByHandle(large, metadata=AS_USER)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reached == [MAX_MESSAGE_BYTES - 10]


async def test_only_idempotent_methods_are_retried() -> None:
    """While a peer is briefly down, an idempotent method is retried and any other is called once."""
    asked: list[str] = []

    async def get_user(request: Any, context: Any) -> Any:
        asked.append("GetUser")
        if len(asked) < 3:
            raise UnavailableError
        return user_service_pb2.GetUserResponse()

    async def create_user(request: Any, context: Any) -> Any:
        asked.append("CreateUser")
        raise UnavailableError

    process = Process("one", [user_service(GetUser=get_user, CreateUser=create_user)])
    async with running(process, SETTINGS) as address, connect(address, SERVICE) as channel:
        stub: Any = UserServiceStub(channel)
        await stub.GetUser(ASK, metadata=AS_USER)
        assert asked == ["GetUser"] * 3
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.CreateUser(GOOD_ACCOUNT)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert asked == [*["GetUser"] * 3, "CreateUser"]


def test_the_contract_says_what_is_retried() -> None:
    """The retried methods are those with an idempotency level, of the channel's services."""
    config = service_config((SERVICE, INTERNAL))
    [methods] = config["methodConfig"]
    assert {(each["service"], each["method"]) for each in methods["name"]} == {
        (SERVICE, "DeleteSession"),
        (SERVICE, "EndOtherSessions"),
        (SERVICE, "EndSession"),
        (SERVICE, "GetCurrentUser"),
        (SERVICE, "GetUser"),
        (SERVICE, "GetUserByHandle"),
        (SERVICE, "ListSessions"),
        (SERVICE, "UpdateUser"),
        (INTERNAL, "BatchGetUsers"),
    }
    assert service_config(())["methodConfig"] == []


async def test_a_channel_reconnects_after_a_restart() -> None:
    """After a restart on the same address, the same channel works again."""

    async def get_user(request: Any, context: Any) -> Any:
        return user_service_pb2.GetUserResponse()

    process = Process("one", [user_service(GetUser=get_user)])
    async with running(process, SETTINGS) as first:
        pass
    settings = SETTINGS.model_copy(update={"listen_addr": first})
    async with connect(first, SERVICE) as channel:
        stub: Any = UserServiceStub(channel)
        for _ in range(2):
            async with running(process, settings):
                call = stub.GetUser(ASK, metadata=AS_USER, wait_for_ready=True)
                assert await call == user_service_pb2.GetUserResponse()
