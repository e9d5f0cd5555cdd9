"""A connection of its own for each refresh."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from lensfeed.user.v1.user_service_pb2 import RefreshSessionRequest, RefreshSessionResponse
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from lensfeed_client.calls import CallingChannel, connected, open_channel
from lensfeed_client.tokens import Refresh


@contextlib.asynccontextmanager
async def connect_to_refresh(url: str, root_certificates: bytes | None, seconds: float) -> AsyncIterator[Refresh]:
    """Connect, and give what trades a refresh token. Raises LensfeedError."""
    async with open_channel(url, root_certificates) as channel:
        await connected(channel, seconds)
        users: Any = UserServiceStub(cast("Any", CallingChannel(channel, seconds)))

        async def refresh(token: str) -> RefreshSessionResponse:
            reply: RefreshSessionResponse = await users.RefreshSession(RefreshSessionRequest(refresh_token=token))
            return reply

        yield refresh
