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
from meshkit.sight import for_service, of_caller
from user_svc.accounts.create_recovery_codes import CreateRecoveryCodes
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.get_user import GetUser
from user_svc.accounts.update_user import UpdateUser
from user_svc.messages import Messages, session_info
from user_svc.sessions.change_password import ChangePassword
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.delete_session import DeleteSession
from user_svc.sessions.end_own_session import EndOwnSession
from user_svc.sessions.end_sessions import EndSessions
from user_svc.sessions.list_sessions import ListSessions
from user_svc.sessions.origins import origin_of
from user_svc.sessions.recover_account import RecoverAccount
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
        list_sessions: ListSessions,
        end_own_session: EndOwnSession,
        end_sessions: EndSessions,
        change_password: ChangePassword,
        create_recovery_codes: CreateRecoveryCodes,
        recover_account: RecoverAccount,
        get_user: GetUser,
        update_user: UpdateUser,
        messages: Messages,
    ) -> None:
        self._create_user = create_user
        self._create_session = create_session
        self._refresh_session = refresh_session
        self._delete_session = delete_session
        self._list_sessions = list_sessions
        self._end_own_session = end_own_session
        self._end_sessions = end_sessions
        self._change_password = change_password
        self._create_recovery_codes = create_recovery_codes
        self._recover_account = recover_account
        self._get_user = get_user
        self._update_user = update_user
        self._messages = messages

    async def CreateUser(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.CreateUserRequest, _context: Context
    ) -> user_service_pb2.CreateUserResponse:
        """Sign up."""
        key = current_call().idempotency_key
        user = await self._create_user(request.handle, request.display_name, request.password, key)
        return user_service_pb2.CreateUserResponse(user=self._messages.user(of_caller(user)))

    async def CreateSession(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.CreateSessionRequest, _context: Context
    ) -> user_service_pb2.CreateSessionResponse:
        """Log in."""
        origin = origin_of(current_call(), request.device_name)
        opened = await self._create_session(request.handle, request.password, origin)
        return user_service_pb2.CreateSessionResponse(**self._messages.tokens(of_caller(opened)))

    async def RefreshSession(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.RefreshSessionRequest, _context: Context
    ) -> user_service_pb2.RefreshSessionResponse:
        """Trade a refresh token for new tokens."""
        opened = await self._refresh_session(request.refresh_token)
        return user_service_pb2.RefreshSessionResponse(**self._messages.tokens(of_caller(opened)))

    async def DeleteSession(  # noqa: N802 - the contract's name
        self, _request: user_service_pb2.DeleteSessionRequest, _context: Context
    ) -> user_service_pb2.DeleteSessionResponse:
        """Log out."""
        await self._delete_session(current_call().session_id)
        return user_service_pb2.DeleteSessionResponse()

    async def ListSessions(  # noqa: N802 - the contract's name
        self, _request: user_service_pb2.ListSessionsRequest, _context: Context
    ) -> user_service_pb2.ListSessionsResponse:
        """List the caller's sessions."""
        current = current_call().session_id
        sessions = await self._list_sessions(caller_id())
        return user_service_pb2.ListSessionsResponse(sessions=[session_info(each, current) for each in sessions])

    async def EndSession(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.EndSessionRequest, _context: Context
    ) -> user_service_pb2.EndSessionResponse:
        """End a session of the caller."""
        await self._end_own_session(caller_id(), request.session_id)
        return user_service_pb2.EndSessionResponse()

    async def EndOtherSessions(  # noqa: N802 - the contract's name
        self, _request: user_service_pb2.EndOtherSessionsRequest, _context: Context
    ) -> user_service_pb2.EndOtherSessionsResponse:
        """End the caller's other sessions."""
        await self._end_sessions(caller_id(), keep=current_call().session_id)
        return user_service_pb2.EndOtherSessionsResponse()

    async def ChangePassword(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.ChangePasswordRequest, _context: Context
    ) -> user_service_pb2.ChangePasswordResponse:
        """Change the caller's password."""
        session_id = current_call().session_id
        await self._change_password(caller_id(), session_id, request.password, request.new_password)
        return user_service_pb2.ChangePasswordResponse()

    async def CreateRecoveryCodes(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.CreateRecoveryCodesRequest, _context: Context
    ) -> user_service_pb2.CreateRecoveryCodesResponse:
        """Create recovery codes for the caller."""
        codes = await self._create_recovery_codes(caller_id(), request.password)
        return user_service_pb2.CreateRecoveryCodesResponse(codes=codes)

    async def RecoverAccount(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.RecoverAccountRequest, _context: Context
    ) -> user_service_pb2.RecoverAccountResponse:
        """Set a new password with a recovery code."""
        origin = origin_of(current_call(), request.device_name)
        opened = await self._recover_account(request.handle, request.code, request.new_password, origin)
        return user_service_pb2.RecoverAccountResponse(**self._messages.tokens(of_caller(opened)))

    async def GetUser(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.GetUserRequest, _context: Context
    ) -> user_service_pb2.GetUserResponse:
        """Return an account by its id."""
        user = await self._get_user.by_id(caller_id(), request.user_id)
        return user_service_pb2.GetUserResponse(user=self._messages.user(user))

    async def GetCurrentUser(  # noqa: N802 - the contract's name
        self, _request: user_service_pb2.GetCurrentUserRequest, _context: Context
    ) -> user_service_pb2.GetCurrentUserResponse:
        """Return the caller's account."""
        user = await self._get_user.own(caller_id())
        return user_service_pb2.GetCurrentUserResponse(user=self._messages.user(user))

    async def GetUserByHandle(  # noqa: N802 - the contract's name
        self, request: user_service_pb2.GetUserByHandleRequest, _context: Context
    ) -> user_service_pb2.GetUserByHandleResponse:
        """Return an account by its handle."""
        user = await self._get_user.by_handle(caller_id(), request.handle)
        return user_service_pb2.GetUserByHandleResponse(user=self._messages.user(user))

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
        return user_service_pb2.UpdateUserResponse(user=self._messages.user(of_caller(user)))


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
        return user_internal_service_pb2.BatchGetUsersResponse(
            users=[self._messages.user(for_service(user)) for user in users]
        )
