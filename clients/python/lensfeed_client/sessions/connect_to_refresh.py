"""A separate connection for each refresh."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from lensfeed.user.v1.user_service_pb2 import RefreshSessionRequest, RefreshSessionResponse
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from lensfeed_client.calls import CallingChannel, connect, open_channel
from lensfeed_client.sessions.tokens import Refresh


@contextlib.asynccontextmanager
async def connect_to_refresh(url: str, root_certificates: bytes | None, seconds: float) -> AsyncIterator[Refresh]:
    """Connect, and yield a function that refreshes a session. Raises LensfeedError."""
    async with open_channel(url, root_certificates) as channel:
        await connect(channel, seconds)
        users: Any = UserServiceStub(cast("Any", CallingChannel(channel, seconds)))

        async def refresh(token: str) -> RefreshSessionResponse:
            reply: RefreshSessionResponse = await users.RefreshSession(RefreshSessionRequest(refresh_token=token))
            return reply

        yield refresh
