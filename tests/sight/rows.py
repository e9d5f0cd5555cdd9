"""The matrix: what each method answers, by what the caller is to the other account and by that account's visibility."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import Message
from lensfeed.feed.v1 import feed_service_pb2 as feed_pb2
from lensfeed.follow.v1 import follow_service_pb2 as follow_pb2
from lensfeed.follow.v1 import visibility_pb2
from lensfeed.media.v1 import media_service_pb2 as media_pb2
from lensfeed.post.v1 import post_service_pb2 as post_pb2
from lensfeed.user.v1 import user_service_pb2 as user_pb2

from tests.sight.asking import NAMES, SILENT
from tests.sight.scenes import Relation, Scene, Visibility

STRANGERS = frozenset({Relation.STRANGER, Relation.FOLLOWEE, Relation.MUTED, Relation.REQUESTED, Relation.ASKED})
"""Those who do not follow the other account, with no block between the two."""
PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True)
class Row:
    """A request, and what it is answered with. `changes` tells that it changes what other rows ask about."""

    ask: Callable[[Scene], Message]
    usual: str
    others: Mapping[Relation, str]
    private: Mapping[Relation, str]
    changes: bool

    def expected(self, relation: Relation, visibility: Visibility) -> str:
        """Return NAMES, SILENT or the reason of a refusal."""
        answers = {**self.others, **(self.private if visibility is Visibility.PRIVATE else {})}
        return answers.get(relation, self.usual)


def row(ask: Callable[[Scene], Message], usual: str, *, private: str = "", changes: bool = False, **others: str) -> Row:
    """Make a row. `others` are the answers to other relations than usual, `private` is that of a private account to strangers."""
    to_strangers = dict.fromkeys(STRANGERS, private) if private else {}
    return Row(ask, usual, {Relation(name): answer for name, answer in others.items()}, to_strangers, changes)


def silent(ask: Callable[[Scene], Message], *, changes: bool = False) -> Row:
    """Make a row of a method that answers with nothing of the other account."""
    return row(ask, SILENT, changes=changes)


def refused(ask: Callable[[Scene], Message], reason: str) -> Row:
    """Make a row of a request that nobody may make, because it lacks a secret."""
    return row(ask, reason)


def own(ask: Callable[[Scene], Message], usual: str = SILENT) -> Row:
    """Make a row of a method that answers with the caller's own things."""
    return row(ask, usual, self=NAMES)


def _picked(scene: Scene) -> Message:
    return media_pb2.PickRenditionRequest(media_id=scene.media_id)


_ALL_MISSING = dict.fromkeys(Relation, "MEDIA_NOT_FOUND")
_USER, _FOLLOW = "/lensfeed.user.v1.UserService/", "/lensfeed.follow.v1.FollowService/"
_POST, _MEDIA = "/lensfeed.post.v1.PostService/", "/lensfeed.media.v1.MediaService/"

ROWS: Mapping[str, tuple[Row, ...]] = {
    f"{_USER}CreateUser": (
        refused(lambda scene: user_pb2.CreateUserRequest(handle=scene.other.handle, password=PASSWORD), "HANDLE_TAKEN"),
    ),
    f"{_USER}CreateSession": (
        refused(lambda scene: user_pb2.CreateSessionRequest(handle=scene.other.handle), "CREDENTIALS_INVALID"),
    ),
    f"{_USER}RefreshSession": (
        refused(lambda _: user_pb2.RefreshSessionRequest(refresh_token="a token"), "TOKEN_INVALID"),
    ),
    f"{_USER}DeleteSession": (silent(lambda _: user_pb2.DeleteSessionRequest()),),
    f"{_USER}ListSessions": (silent(lambda _: user_pb2.ListSessionsRequest()),),
    f"{_USER}EndSession": (refused(lambda _: user_pb2.EndSessionRequest(session_id="a session"), "SESSION_NOT_FOUND"),),
    f"{_USER}EndOtherSessions": (silent(lambda _: user_pb2.EndOtherSessionsRequest()),),
    f"{_USER}ChangePassword": (
        refused(
            lambda _: user_pb2.ChangePasswordRequest(password="wrong", new_password=PASSWORD), "CREDENTIALS_INVALID"
        ),
    ),
    f"{_USER}CreateRecoveryCodes": (
        refused(lambda _: user_pb2.CreateRecoveryCodesRequest(password="wrong"), "CREDENTIALS_INVALID"),
    ),
    f"{_USER}RecoverAccount": (
        refused(
            lambda scene: user_pb2.RecoverAccountRequest(
                handle=scene.other.handle, code="a code", new_password=PASSWORD
            ),
            "CREDENTIALS_INVALID",
        ),
    ),
    f"{_USER}GetCurrentUser": (own(lambda _: user_pb2.GetCurrentUserRequest()),),
    f"{_USER}UpdateUser": (
        own(lambda _: user_pb2.UpdateUserRequest()),
        own(lambda scene: user_pb2.UpdateUserRequest(avatar_media_id=scene.media_id), "MEDIA_NOT_FOUND"),
    ),
    f"{_USER}GetUser": (
        row(lambda scene: user_pb2.GetUserRequest(user_id=scene.other.user_id), NAMES, blocked="USER_NOT_FOUND"),
    ),
    f"{_USER}GetUserByHandle": (
        row(lambda scene: user_pb2.GetUserByHandleRequest(handle=scene.other.handle), NAMES, blocked="USER_NOT_FOUND"),
    ),
    f"{_POST}CreatePost": (
        own(lambda scene: post_pb2.CreatePostRequest(media_ids=[scene.media_id]), "MEDIA_NOT_FOUND"),
    ),
    f"{_POST}GetPost": (
        row(
            lambda scene: post_pb2.GetPostRequest(post_id=scene.post_id),
            NAMES,
            private="POST_NOT_FOUND",
            blocker="USER_BLOCKED",
            blocked="POST_NOT_FOUND",
        ),
    ),
    f"{_POST}DeletePost": (
        row(
            lambda scene: post_pb2.DeletePostRequest(post_id=scene.post_id), "POST_NOT_FOUND", changes=True, self=SILENT
        ),
    ),
    f"{_POST}ListUserPosts": (
        row(
            lambda scene: post_pb2.ListUserPostsRequest(user_id=scene.other.user_id),
            NAMES,
            private="ACCOUNT_PRIVATE",
            blocker="USER_BLOCKED",
            blocked=SILENT,
        ),
    ),
    f"{_MEDIA}StartUpload": (silent(lambda _: media_pb2.StartUploadRequest(content_type="image/jpeg", size_bytes=1)),),
    f"{_MEDIA}CompleteUpload": (
        own(lambda scene: media_pb2.CompleteUploadRequest(media_id=scene.media_id), "MEDIA_NOT_FOUND"),
    ),
    f"{_MEDIA}GetMedia": (
        row(
            lambda scene: media_pb2.GetMediaRequest(media_id=scene.media_id),
            NAMES,
            private="MEDIA_NOT_FOUND",
            blocker="USER_BLOCKED",
            blocked="MEDIA_NOT_FOUND",
        ),
    ),
    # Nobody knows who asks, not even the owner.
    f"{_MEDIA}PickRendition": (Row(_picked, NAMES, {}, _ALL_MISSING, changes=False),),
    "/lensfeed.feed.v1.FeedService/GetFeed": (row(lambda _: feed_pb2.GetFeedRequest(), SILENT, follower=NAMES),),
    "/lensfeed.feed.v1.FeedEdgeService/GetFeedJson": (
        row(lambda _: feed_pb2.GetFeedRequest(), SILENT, follower=NAMES),
    ),
    f"{_FOLLOW}CreateFollow": (
        row(
            lambda scene: follow_pb2.CreateFollowRequest(followee_id=scene.other.user_id),
            NAMES,
            changes=True,
            self="SELF_FOLLOW",
            blocker="USER_BLOCKED",
            blocked="USER_NOT_FOUND",
        ),
    ),
    f"{_FOLLOW}DeleteFollow": (
        silent(lambda scene: follow_pb2.DeleteFollowRequest(followee_id=scene.other.user_id), changes=True),
    ),
    f"{_FOLLOW}RemoveFollower": (
        silent(lambda scene: follow_pb2.RemoveFollowerRequest(follower_id=scene.other.user_id), changes=True),
    ),
    f"{_FOLLOW}CreateMute": (
        row(
            lambda scene: follow_pb2.CreateMuteRequest(user_id=scene.other.user_id),
            "NOT_FOLLOWING",
            changes=True,
            follower=SILENT,
            muter=SILENT,
        ),
    ),
    f"{_FOLLOW}DeleteMute": (
        silent(lambda scene: follow_pb2.DeleteMuteRequest(user_id=scene.other.user_id), changes=True),
    ),
    f"{_FOLLOW}ListMutes": (row(lambda _: follow_pb2.ListMutesRequest(), SILENT, muter=NAMES),),
    f"{_FOLLOW}CreateBlock": (
        row(
            lambda scene: follow_pb2.CreateBlockRequest(user_id=scene.other.user_id),
            SILENT,
            changes=True,
            self="SELF_BLOCK",
            blocked="USER_NOT_FOUND",
        ),
    ),
    f"{_FOLLOW}DeleteBlock": (
        silent(lambda scene: follow_pb2.DeleteBlockRequest(user_id=scene.other.user_id), changes=True),
    ),
    f"{_FOLLOW}ListBlocks": (row(lambda _: follow_pb2.ListBlocksRequest(), SILENT, blocker=NAMES),),
    f"{_FOLLOW}ListFollowers": (
        row(
            lambda scene: follow_pb2.ListFollowersRequest(user_id=scene.other.user_id),
            SILENT,
            private="ACCOUNT_PRIVATE",
            blocker="USER_BLOCKED",
            blocked="USER_NOT_FOUND",
        ),
        # The list of a third account, which the other one follows.
        row(
            lambda scene: follow_pb2.ListFollowersRequest(user_id=scene.friend_id),
            NAMES,
            blocker=SILENT,
            blocked=SILENT,
        ),
    ),
    f"{_FOLLOW}ListFollowing": (
        row(
            lambda scene: follow_pb2.ListFollowingRequest(user_id=scene.other.user_id),
            SILENT,
            private="ACCOUNT_PRIVATE",
            blocker="USER_BLOCKED",
            blocked="USER_NOT_FOUND",
        ),
        row(
            lambda scene: follow_pb2.ListFollowingRequest(user_id=scene.friend_id),
            NAMES,
            blocker=SILENT,
            blocked=SILENT,
        ),
    ),
    f"{_FOLLOW}GetRelationship": (
        row(
            lambda scene: follow_pb2.GetRelationshipRequest(user_id=scene.other.user_id),
            SILENT,
            blocked="USER_NOT_FOUND",
        ),
    ),
    f"{_FOLLOW}UpdatePrivacy": (
        silent(
            lambda _: follow_pb2.UpdatePrivacyRequest(visibility=visibility_pb2.ACCOUNT_VISIBILITY_PRIVATE),
            changes=True,
        ),
    ),
    f"{_FOLLOW}ListFollowRequests": (row(lambda _: follow_pb2.ListFollowRequestsRequest(), SILENT, asked=NAMES),),
    f"{_FOLLOW}AcceptFollowRequest": (
        row(
            lambda scene: follow_pb2.AcceptFollowRequestRequest(follower_id=scene.other.user_id),
            "REQUEST_NOT_FOUND",
            changes=True,
            asked=NAMES,
            followee=NAMES,
            muted=NAMES,
        ),
    ),
    f"{_FOLLOW}DeclineFollowRequest": (
        silent(lambda scene: follow_pb2.DeclineFollowRequestRequest(follower_id=scene.other.user_id), changes=True),
    ),
}
