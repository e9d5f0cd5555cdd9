"""Converts between protos and use cases."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.follow.v1 import (
    follow_internal_service_pb2,
    follow_internal_service_pb2_grpc,
    follow_service_pb2,
    follow_service_pb2_grpc,
    visibility_pb2,
)
from lensfeed.user.v1 import user_pb2

from follow_svc.blocks.create_block import CreateBlock
from follow_svc.blocks.delete_block import DeleteBlock
from follow_svc.blocks.get_sights import GetSights
from follow_svc.create_follow import CreateFollow
from follow_svc.create_mute import CreateMute
from follow_svc.delete_follow import DeleteFollow
from follow_svc.delete_mute import DeleteMute
from follow_svc.filter_followed import FilterFollowed
from follow_svc.get_follower_count import GetFollowerCount
from follow_svc.get_last_cut import GetLastCut
from follow_svc.get_relationship import GetRelationship
from follow_svc.lists.list_blocks import ListBlocks
from follow_svc.lists.list_followee_ids import ListFolloweeIds
from follow_svc.lists.list_follower_ids import ListFollowerIds
from follow_svc.lists.list_followers import ListFollowers
from follow_svc.lists.list_following import ListFollowing
from follow_svc.lists.list_mutes import ListMutes
from follow_svc.lists.list_requests import ListRequests
from follow_svc.model import Follow
from follow_svc.privacy.accept_request import AcceptRequest
from follow_svc.privacy.decline_request import DeclineRequest
from follow_svc.privacy.update_privacy import UpdatePrivacy
from follow_svc.sight import Sight, Visibility
from meshkit.call import caller_id
from meshkit.sight import Seen

# ruff: noqa: ARG002, N802 - the generated base classes name the methods and their arguments


class FollowServicer(follow_service_pb2_grpc.FollowServiceServicer):
    """The public methods."""

    def __init__(
        self,
        *,
        create_follow: CreateFollow,
        delete_follow: DeleteFollow,
        create_mute: CreateMute,
        delete_mute: DeleteMute,
        list_mutes: ListMutes[user_pb2.User],
        create_block: CreateBlock,
        delete_block: DeleteBlock,
        list_blocks: ListBlocks[user_pb2.User],
        list_followers: ListFollowers[user_pb2.User],
        list_following: ListFollowing[user_pb2.User],
        get_relationship: GetRelationship,
        update_privacy: UpdatePrivacy,
        list_requests: ListRequests[user_pb2.User],
        accept_request: AcceptRequest,
        decline_request: DeclineRequest,
    ) -> None:
        self._create_follow = create_follow
        self._delete_follow = delete_follow
        self._create_mute = create_mute
        self._delete_mute = delete_mute
        self._list_mutes = list_mutes
        self._create_block = create_block
        self._delete_block = delete_block
        self._list_blocks = list_blocks
        self._list_followers = list_followers
        self._list_following = list_following
        self._get_relationship = get_relationship
        self._update_privacy = update_privacy
        self._list_requests = list_requests
        self._accept_request = accept_request
        self._decline_request = decline_request

    async def CreateFollow(
        self, request: follow_service_pb2.CreateFollowRequest, context: Any
    ) -> follow_service_pb2.CreateFollowResponse:
        """Make the caller follow an account."""
        follow = await self._create_follow(caller_id(), request.followee_id)
        return follow_service_pb2.CreateFollowResponse(follow=_follow(follow))

    async def DeleteFollow(
        self, request: follow_service_pb2.DeleteFollowRequest, context: Any
    ) -> follow_service_pb2.DeleteFollowResponse:
        """Make the caller stop following an account."""
        await self._delete_follow(caller_id(), request.followee_id)
        return follow_service_pb2.DeleteFollowResponse()

    async def RemoveFollower(
        self, request: follow_service_pb2.RemoveFollowerRequest, context: Any
    ) -> follow_service_pb2.RemoveFollowerResponse:
        """Make an account stop following the caller."""
        await self._delete_follow(request.follower_id, caller_id())
        return follow_service_pb2.RemoveFollowerResponse()

    async def CreateMute(
        self, request: follow_service_pb2.CreateMuteRequest, context: Any
    ) -> follow_service_pb2.CreateMuteResponse:
        """Mute an account for the caller."""
        await self._create_mute(caller_id(), request.user_id)
        return follow_service_pb2.CreateMuteResponse()

    async def DeleteMute(
        self, request: follow_service_pb2.DeleteMuteRequest, context: Any
    ) -> follow_service_pb2.DeleteMuteResponse:
        """Unmute an account for the caller."""
        await self._delete_mute(caller_id(), request.user_id)
        return follow_service_pb2.DeleteMuteResponse()

    async def ListMutes(
        self, request: follow_service_pb2.ListMutesRequest, context: Any
    ) -> follow_service_pb2.ListMutesResponse:
        """List the accounts that the caller has muted."""
        page = await self._list_mutes(caller_id(), request.cursor, request.limit)
        return follow_service_pb2.ListMutesResponse(users=_users(page.accounts), next_cursor=page.next_cursor)

    async def CreateBlock(
        self, request: follow_service_pb2.CreateBlockRequest, context: Any
    ) -> follow_service_pb2.CreateBlockResponse:
        """Block an account for the caller."""
        await self._create_block(caller_id(), request.user_id)
        return follow_service_pb2.CreateBlockResponse()

    async def DeleteBlock(
        self, request: follow_service_pb2.DeleteBlockRequest, context: Any
    ) -> follow_service_pb2.DeleteBlockResponse:
        """Unblock an account for the caller."""
        await self._delete_block(caller_id(), request.user_id)
        return follow_service_pb2.DeleteBlockResponse()

    async def ListBlocks(
        self, request: follow_service_pb2.ListBlocksRequest, context: Any
    ) -> follow_service_pb2.ListBlocksResponse:
        """List the accounts that the caller blocks."""
        page = await self._list_blocks(caller_id(), request.cursor, request.limit)
        return follow_service_pb2.ListBlocksResponse(users=_users(page.accounts), next_cursor=page.next_cursor)

    async def ListFollowers(
        self, request: follow_service_pb2.ListFollowersRequest, context: Any
    ) -> follow_service_pb2.ListFollowersResponse:
        """List an account's followers."""
        page = await self._list_followers(caller_id(), request.user_id, request.cursor, request.limit)
        return follow_service_pb2.ListFollowersResponse(users=_users(page.accounts), next_cursor=page.next_cursor)

    async def ListFollowing(
        self, request: follow_service_pb2.ListFollowingRequest, context: Any
    ) -> follow_service_pb2.ListFollowingResponse:
        """List the accounts that an account follows."""
        page = await self._list_following(caller_id(), request.user_id, request.cursor, request.limit)
        return follow_service_pb2.ListFollowingResponse(users=_users(page.accounts), next_cursor=page.next_cursor)

    async def GetRelationship(
        self, request: follow_service_pb2.GetRelationshipRequest, context: Any
    ) -> follow_service_pb2.GetRelationshipResponse:
        """Show who of the caller and an account follows whom."""
        found = await self._get_relationship(caller_id(), request.user_id)
        return follow_service_pb2.GetRelationshipResponse(
            following=found.following,
            followed_by=found.followed_by,
            follower_count=found.counts.followers,
            following_count=found.counts.following,
            muting=found.muting,
            blocking=found.blocking,
            visibility=_visibility(found.visibility),
            requested=found.requested,
            requested_by=found.requested_by,
        )

    async def UpdatePrivacy(
        self, request: follow_service_pb2.UpdatePrivacyRequest, context: Any
    ) -> follow_service_pb2.UpdatePrivacyResponse:
        """Make the caller's account private or public."""
        await self._update_privacy(caller_id(), _VISIBILITIES[request.visibility])
        return follow_service_pb2.UpdatePrivacyResponse(visibility=request.visibility)

    async def ListFollowRequests(
        self, request: follow_service_pb2.ListFollowRequestsRequest, context: Any
    ) -> follow_service_pb2.ListFollowRequestsResponse:
        """List the accounts that ask to follow the caller."""
        page = await self._list_requests(caller_id(), request.cursor, request.limit)
        return follow_service_pb2.ListFollowRequestsResponse(users=_users(page.accounts), next_cursor=page.next_cursor)

    async def AcceptFollowRequest(
        self, request: follow_service_pb2.AcceptFollowRequestRequest, context: Any
    ) -> follow_service_pb2.AcceptFollowRequestResponse:
        """Make an account that asks for it a follower of the caller."""
        follow = await self._accept_request(caller_id(), request.follower_id)
        return follow_service_pb2.AcceptFollowRequestResponse(follow=_follow(follow))

    async def DeclineFollowRequest(
        self, request: follow_service_pb2.DeclineFollowRequestRequest, context: Any
    ) -> follow_service_pb2.DeclineFollowRequestResponse:
        """Decline the request of an account."""
        await self._decline_request(caller_id(), request.follower_id)
        return follow_service_pb2.DeclineFollowRequestResponse()


class FollowInternalServicer(follow_internal_service_pb2_grpc.FollowInternalServiceServicer):
    """The methods for the other services."""

    def __init__(
        self,
        list_follower_ids: ListFollowerIds,
        list_followee_ids: ListFolloweeIds,
        filter_followed: FilterFollowed,
        get_last_cut: GetLastCut,
        get_follower_count: GetFollowerCount,
        get_sights: GetSights,
    ) -> None:
        self._list_follower_ids = list_follower_ids
        self._list_followee_ids = list_followee_ids
        self._filter_followed = filter_followed
        self._get_last_cut = get_last_cut
        self._get_follower_count = get_follower_count
        self._get_sights = get_sights

    async def ListFollowerIds(
        self, request: follow_internal_service_pb2.ListFollowerIdsRequest, context: Any
    ) -> follow_internal_service_pb2.ListFollowerIdsResponse:
        """Return a page of an account's followers who have not muted it."""
        page = await self._list_follower_ids(request.user_id, request.page_token, request.page_size)
        return follow_internal_service_pb2.ListFollowerIdsResponse(
            follower_ids=page.user_ids, next_page_token=page.next_page_token
        )

    async def ListFolloweeIds(
        self, request: follow_internal_service_pb2.ListFolloweeIdsRequest, context: Any
    ) -> follow_internal_service_pb2.ListFolloweeIdsResponse:
        """Return a page of the accounts that an account follows."""
        page = await self._list_followee_ids(
            request.user_id, request.page_token, request.page_size, include_muted=request.include_muted
        )
        return follow_internal_service_pb2.ListFolloweeIdsResponse(
            followee_ids=page.user_ids, next_page_token=page.next_page_token, last_cut=page.last_cut
        )

    async def FilterFollowed(
        self, request: follow_internal_service_pb2.FilterFollowedRequest, context: Any
    ) -> follow_internal_service_pb2.FilterFollowedResponse:
        """Return which of the accounts are followed and not muted."""
        followed = await self._filter_followed(request.follower_id, request.followee_ids)
        return follow_internal_service_pb2.FilterFollowedResponse(followee_ids=followed)

    async def GetLastCut(
        self, request: follow_internal_service_pb2.GetLastCutRequest, context: Any
    ) -> follow_internal_service_pb2.GetLastCutResponse:
        """Return the last cut of an account."""
        return follow_internal_service_pb2.GetLastCutResponse(last_cut=await self._get_last_cut(request.user_id))

    async def GetFollowerCount(
        self, request: follow_internal_service_pb2.GetFollowerCountRequest, context: Any
    ) -> follow_internal_service_pb2.GetFollowerCountResponse:
        """Return the number of an account's followers."""
        count = await self._get_follower_count(request.user_id)
        return follow_internal_service_pb2.GetFollowerCountResponse(
            follower_count=count or 0, is_known=count is not None
        )

    async def GetSights(
        self, request: follow_internal_service_pb2.GetSightsRequest, context: Any
    ) -> follow_internal_service_pb2.GetSightsResponse:
        """Return what a viewer may see of some accounts."""
        found = await self._get_sights(request.viewer_id, request.user_ids)
        return follow_internal_service_pb2.GetSightsResponse(sights=map(_sight, found))


def _users(accounts: Sequence[Seen[user_pb2.User]]) -> list[user_pb2.User]:
    return [account.value for account in accounts]


def _sight(sight: Sight) -> follow_internal_service_pb2.Sight:
    visibility = follow_internal_service_pb2.Visibility.Value(f"VISIBILITY_{sight.visibility.name}")
    kind = follow_internal_service_pb2.SightKind.Value(f"SIGHT_KIND_{sight.kind.name}")
    return follow_internal_service_pb2.Sight(user_id=sight.user_id, kind=kind, visibility=visibility)


def _follow(follow: Follow) -> follow_service_pb2.Follow:
    created_at = Timestamp()
    created_at.FromMilliseconds(follow.created_ms)
    return follow_service_pb2.Follow(
        follower_id=follow.follower_id,
        followee_id=follow.followee_id,
        created_at=created_at,
        state=follow_service_pb2.FollowState.Value(f"FOLLOW_STATE_{follow.state.name}"),
    )


def _visibility(visibility: Visibility) -> "visibility_pb2.AccountVisibility.ValueType":
    return visibility_pb2.AccountVisibility.Value(f"ACCOUNT_VISIBILITY_{visibility.name}")


_VISIBILITIES = {_visibility(visibility): visibility for visibility in Visibility}
