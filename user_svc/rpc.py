"""Converts between protos and use cases."""

from typing import Any

import grpc
from lensfeed.user.v1 import (
    user_internal_service_pb2,
    user_internal_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)

from meshkit.call import caller_id, current_call
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.get_user import GetUser
from user_svc.accounts.update_user import UpdateUser
from user_svc.messages import Messages
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.delete_session import DeleteSession
from user_svc.sessions.refresh_session import RefreshSession

Context = grpc.aio.ServicerContext[Any, Any]


class UserRpc(user_service_pb2_grpc.UserServiceServicer):
    """The public methods."""

    def __init__(
        self,
        *,
        create_user: CreateUser,
        create_session: CreateSession,
        refresh_session: RefreshSession,
        delete_session: DeleteSession,
        get_user: GetUser,
        update_user: UpdateUser,
        messages: Messages,
    ) -> None:
        self._create_user = create_user
        self._create_session = create_session
        self._refresh_session = refresh_session
        self._delete_session = delete_session
        self._get_user = get_user
        self._update_user = update_user
        self._messages = messages

    async def CreateUser(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.CreateUserRequest, _context: Context
    ) -> user_service_pb2.CreateUserResponse:
        """Sign up."""
        user = await self._create_user(request.handle, request.display_name, request.password)
        return user_service_pb2.CreateUserResponse(user=self._messages.user(user))

    async def CreateSession(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.CreateSessionRequest, _context: Context
    ) -> user_service_pb2.CreateSessionResponse:
        """Log in."""
        opened = await self._create_session(request.handle, request.password)
        return user_service_pb2.CreateSessionResponse(**self._messages.tokens(opened))

    async def RefreshSession(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.RefreshSessionRequest, _context: Context
    ) -> user_service_pb2.RefreshSessionResponse:
        """Trade a refresh token for new tokens."""
        opened = await self._refresh_session(request.refresh_token)
        return user_service_pb2.RefreshSessionResponse(**self._messages.tokens(opened))

    async def DeleteSession(  # noqa: N802 - the contract's name
        self, _request: user_service_pb2.DeleteSessionRequest, _context: Context
    ) -> user_service_pb2.DeleteSessionResponse:
        """Log out."""
        await self._delete_session(current_call().session_id)
        return user_service_pb2.DeleteSessionResponse()

    async def GetUser(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.GetUserRequest, _context: Context
    ) -> user_service_pb2.GetUserResponse:
        """Return an account by its id."""
        return user_service_pb2.GetUserResponse(user=self._messages.user(await self._get_user.by_id(request.user_id)))

    async def GetUserByHandle(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.GetUserByHandleRequest, _context: Context
    ) -> user_service_pb2.GetUserByHandleResponse:
        """Return an account by its handle."""
        return user_service_pb2.GetUserByHandleResponse(
            user=self._messages.user(await self._get_user.by_handle(request.handle))
        )

    async def UpdateUser(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.UpdateUserRequest, _context: Context
    ) -> user_service_pb2.UpdateUserResponse:
        """Change the caller's profile."""
        user = await self._update_user(
            caller_id(),
            display_name=request.display_name if request.HasField("display_name") else None,
            bio=request.bio if request.HasField("bio") else None,
            avatar_media_id=request.avatar_media_id if request.HasField("avatar_media_id") else None,
        )
        return user_service_pb2.UpdateUserResponse(user=self._messages.user(user))


class UserInternalRpc(user_internal_service_pb2_grpc.UserInternalServiceServicer):
    """The methods for the other services."""

    def __init__(self, get_user: GetUser, messages: Messages) -> None:
        self._get_user = get_user
        self._messages = messages

    async def BatchGetUsers(  # noqa: N802 - the contract's name
        self, request: user_internal_service_pb2.BatchGetUsersRequest, _context: Context
    ) -> user_internal_service_pb2.BatchGetUsersResponse:
        """Return the accounts that exist."""
        users = await self._get_user.by_ids(request.user_ids)
        return user_internal_service_pb2.BatchGetUsersResponse(users=map(self._messages.user, users))
