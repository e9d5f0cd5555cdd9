"""Calls about sessions that several tests make."""

import grpc
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    CreateSessionRequest,
    ListSessionsRequest,
    RefreshSessionRequest,
    SessionInfo,
)

from tests.errors import reason_of
from tests.user_svc.running_users import PASSWORD, Users, caller


async def log_in(users: Users, user: User, device: str = "", address: str = "") -> tuple[str, str]:
    """Log in. Returns the session's id and its refresh token."""
    request = CreateSessionRequest(handle=user.handle, password=PASSWORD, device_name=device)
    opened = await users.public.CreateSession(request, metadata=(("x-lensfeed-address", address),))
    return opened.refresh_token.partition(".")[0], opened.refresh_token


async def listed(users: Users, user: User, current: str | None = None) -> list[SessionInfo]:
    """Return a user's sessions."""
    answer = await users.public.ListSessions(ListSessionsRequest(), metadata=caller(user.user_id, current))
    return list(answer.sessions)


async def is_open(users: Users, refresh_token: str) -> bool:
    """Return whether a session can still be refreshed."""
    try:
        await users.public.RefreshSession(RefreshSessionRequest(refresh_token=refresh_token))
    except grpc.aio.AioRpcError as error:
        if reason_of(error) != "TOKEN_INVALID":
            raise
        return False
    return True
