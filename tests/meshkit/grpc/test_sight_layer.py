"""The layer that lets no method answer with others' data unless the gate was asked."""

import asyncio
from functools import partial
from typing import Any

import grpc
import pytest
from lensfeed.user.v1 import user_service_pb2, user_service_pb2_grpc
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceServicer, UserServiceStub

from meshkit.call import mark_gate_asked
from meshkit.errors import NotFoundError
from meshkit.grpc.layers import Method
from meshkit.grpc.server import Process, running
from tests.errors import reason_of
from tests.meshkit.grpc.serving import AS_USER, SETTINGS, plain_channel

SERVICE = "lensfeed.user.v1.UserService"


async def _answer(method: Any, name: str = "GetUser") -> Any:
    """Serve one method as it is, and call it."""
    servicer: Any = type("Users", (UserServiceServicer,), {})()
    setattr(servicer, name, method)
    register = partial(user_service_pb2_grpc.add_UserServiceServicer_to_server, servicer)
    request = getattr(user_service_pb2, f"{name}Request")()
    async with running(Process("users", [register]), SETTINGS) as address, plain_channel(address) as channel:
        return await getattr(UserServiceStub(channel), name)(request, metadata=AS_USER)


async def _forgets(_request: Any, _context: Any) -> Any:
    return user_service_pb2.GetUserResponse()


async def test_an_answer_without_the_gate_is_internal() -> None:
    """A method that shows others and has not asked the gate answers INTERNAL."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _answer(_forgets)
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    assert reason_of(refused.value) == "INTERNAL"


async def test_an_answer_behind_the_gate_passes() -> None:
    """The gate may be asked by any task of the call."""

    async def asks(request: Any, context: Any) -> Any:
        await asyncio.create_task(_ask())
        return await _forgets(request, context)

    async def _ask() -> None:
        mark_gate_asked()

    assert await _answer(asks) == user_service_pb2.GetUserResponse()


async def test_each_call_asks_anew() -> None:
    """What one call has asked does not count for the next one."""
    calls = 0

    async def asks_once(request: Any, context: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            mark_gate_asked()
        return await _forgets(request, context)

    assert await _answer(asks_once) == user_service_pb2.GetUserResponse()
    with pytest.raises(grpc.aio.AioRpcError):
        await _answer(asks_once)


async def test_an_error_needs_no_gate() -> None:
    """A method that refuses before it asks is refused with its own error."""

    async def refuses(_request: Any, _context: Any) -> Any:
        raise NotFoundError("USER_NOT_FOUND", "there is no such user")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _answer(refuses)
    assert reason_of(refused.value) == "USER_NOT_FOUND"


async def test_a_method_that_shows_the_callers_own_needs_no_gate() -> None:
    """Methods whose contract says OWN or NOTHING are left alone."""

    async def own(_request: Any, _context: Any) -> Any:
        return user_service_pb2.GetCurrentUserResponse()

    assert await _answer(own, "GetCurrentUser") == user_service_pb2.GetCurrentUserResponse()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/{SERVICE}/GetUser", True),
        (f"/{SERVICE}/GetCurrentUser", False),
        (f"/{SERVICE}/DeleteSession", False),
        ("/lensfeed.user.v1.UserInternalService/BatchGetUsers", False),
        ("/grpc.health.v1.Health/Check", False),
    ],
)
def test_the_contract_says_which_methods_show_others(path: str, expected: bool) -> None:
    """Internal methods and those of other contracts show nobody to apps."""
    assert Method.of(path, bytes).shows_others is expected
