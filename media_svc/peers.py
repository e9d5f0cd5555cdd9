"""Calls to the other services, behind the ports of the use cases."""

import asyncio
from collections.abc import Sequence

import grpc
from lensfeed.post.v1 import post_internal_service_pb2, post_internal_service_pb2_grpc
from lensfeed.user.v1 import user_internal_service_pb2, user_internal_service_pb2_grpc

POST_SERVICE = post_internal_service_pb2.DESCRIPTOR.services_by_name["PostInternalService"].full_name
USER_SERVICE = user_internal_service_pb2.DESCRIPTOR.services_by_name["UserInternalService"].full_name


class PeerMediaUsage:
    """Asks post_svc and user_svc which media are used."""

    def __init__(self, post_channel: grpc.aio.Channel, user_channel: grpc.aio.Channel) -> None:
        self._posts: post_internal_service_pb2_grpc.PostInternalServiceAsyncStub
        self._posts = post_internal_service_pb2_grpc.PostInternalServiceStub(post_channel)
        self._users: user_internal_service_pb2_grpc.UserInternalServiceAsyncStub
        self._users = user_internal_service_pb2_grpc.UserInternalServiceStub(user_channel)

    async def filter_used(self, owner_id: int, media_ids: Sequence[str]) -> set[str]:
        """Return the media that posts or the owner's profile picture use."""
        shown, users = await asyncio.gather(
            self._posts.FilterUsedMedia(
                post_internal_service_pb2.FilterUsedMediaRequest(author_id=owner_id, media_ids=media_ids)
            ),
            self._users.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest(user_ids=[owner_id])),
        )
        # A file's URL contains the id of its medium.
        pictures = {each for each in media_ids for user in users.users if each in user.avatar_url}
        return set(shown.media_ids) | pictures
