"""The other services that follow_svc calls."""

from collections.abc import Sequence

import grpc
from lensfeed.user.v1 import user_internal_service_pb2, user_internal_service_pb2_grpc, user_pb2

USER_INTERNAL = user_internal_service_pb2.DESCRIPTOR.services_by_name["UserInternalService"].full_name


class UserPeer:
    """Looks accounts up in user_svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = user_internal_service_pb2_grpc.UserInternalServiceStub(channel)

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[user_pb2.User]:
        """Return the accounts that exist, in the order of the request."""
        request = user_internal_service_pb2.BatchGetUsersRequest(user_ids=user_ids)
        return (await self._stub.BatchGetUsers(request)).users
