"""Real servicers made of functions."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from lensfeed.user.v1 import user_internal_service_pb2_grpc, user_service_pb2_grpc
from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceServicer
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceServicer

from meshkit.call import mark_gate_asked
from meshkit.grpc.server import Registration

RpcMethod = Callable[[Any, Any], Awaitable[Any]]
SERVICE, INTERNAL = "lensfeed.user.v1.UserService", "lensfeed.user.v1.UserInternalService"


def user_service(**methods: RpcMethod) -> Registration:
    """Create a UserService with some methods, which count as having asked the gate. The others are not implemented."""
    servicer: Any = type("Users", (UserServiceServicer,), {})()
    for name, method in methods.items():
        setattr(servicer, name, _asking_gate(method))
    return partial(user_service_pb2_grpc.add_UserServiceServicer_to_server, servicer)


def internal_service(batch_get_users: RpcMethod) -> Registration:
    """Create a UserInternalService."""
    servicer: Any = type("InternalUsers", (UserInternalServiceServicer,), {})()
    servicer.BatchGetUsers = batch_get_users
    return partial(user_internal_service_pb2_grpc.add_UserInternalServiceServicer_to_server, servicer)


def _asking_gate(method: RpcMethod) -> RpcMethod:
    async def call(request: Any, context: Any) -> Any:
        mark_gate_asked()
        return await method(request, context)

    return call
