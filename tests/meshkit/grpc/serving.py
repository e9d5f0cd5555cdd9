"""Small real services for the tests of the runtime."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
from lensfeed.user.v1 import user_internal_service_pb2_grpc, user_service_pb2_grpc
from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceStub
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process, ServerSettings, running
from tests.meshkit.grpc.servicers import INTERNAL, RpcMethod, internal_service, user_service

SETTINGS = ServerSettings(drain_seconds=5.0)
AS_USER = (("x-user-id", "7"),)


@contextlib.asynccontextmanager
async def plain_channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a plain gRPC channel without retries or interceptors."""
    async with grpc.aio.insecure_channel(address, options=(("grpc.enable_retries", 0),)) as channel:
        yield channel


@contextlib.asynccontextmanager
async def users(
    settings: ServerSettings = SETTINGS, **methods: RpcMethod
) -> AsyncIterator["user_service_pb2_grpc.UserServiceAsyncStub"]:
    """Run a UserService of some methods; gives a plain client's stub."""
    async with (
        running(Process("users", [user_service(**methods)]), settings) as address,
        plain_channel(address) as channel,
    ):
        yield UserServiceStub(channel)


@contextlib.asynccontextmanager
async def internal_users(
    batch_get_users: RpcMethod,
) -> AsyncIterator["user_internal_service_pb2_grpc.UserInternalServiceAsyncStub"]:
    """Run a UserInternalService; gives a stub over a channel of the mesh."""
    process = Process("internal", [internal_service(batch_get_users)])
    async with running(process, SETTINGS) as address, connect(address, INTERNAL) as channel:
        yield UserInternalServiceStub(channel)


class Gate:
    """A method that hangs until released, and records its outcome."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._open = asyncio.Event()
        self.entered = asyncio.Semaphore(0)
        self.cancelled = asyncio.Event()

    async def __call__(self, _request: Any, _context: Any) -> Any:
        """Hang."""
        self.entered.release()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self._response

    def let_go(self) -> None:
        """Answer all calls, including later ones."""
        self._open.set()
