"""A successful call of every public method, as data."""

from collections.abc import Sequence
from typing import Any

from lensfeed.feed.v1.feed_service_pb2 import EMPTY_REASON_FOLLOWS_NOBODY, GetFeedRequest, GetFeedResponse
from lensfeed.follow.v1.follow_service_pb2 import (
    FOLLOW_STATE_FOLLOWING,
    AcceptFollowRequestRequest,
    AcceptFollowRequestResponse,
    CreateBlockRequest,
    CreateBlockResponse,
    CreateFollowRequest,
    CreateFollowResponse,
    CreateMuteRequest,
    CreateMuteResponse,
    DeclineFollowRequestRequest,
    DeclineFollowRequestResponse,
    DeleteBlockRequest,
    DeleteBlockResponse,
    DeleteFollowRequest,
    DeleteFollowResponse,
    DeleteMuteRequest,
    DeleteMuteResponse,
    GetRelationshipRequest,
    GetRelationshipResponse,
    ListBlocksRequest,
    ListBlocksResponse,
    ListFollowersRequest,
    ListFollowersResponse,
    ListFollowingRequest,
    ListFollowingResponse,
    ListFollowRequestsRequest,
    ListFollowRequestsResponse,
    ListMutesRequest,
    ListMutesResponse,
    RemoveFollowerRequest,
    RemoveFollowerResponse,
    UpdatePrivacyRequest,
    UpdatePrivacyResponse,
)
from lensfeed.follow.v1.visibility_pb2 import ACCOUNT_VISIBILITY_PUBLIC
from lensfeed.media.v1.media_pb2 import MEDIA_STATE_AWAITING_UPLOAD, MEDIA_STATE_READY, MEDIA_STATE_REJECTED
from lensfeed.media.v1.media_service_pb2 import (
    CompleteUploadRequest,
    CompleteUploadResponse,
    GetMediaRequest,
    GetMediaResponse,
    PickRenditionRequest,
    PickRenditionResponse,
    StartUploadRequest,
    StartUploadResponse,
)
from lensfeed.post.v1.post_pb2 import POST_STATE_PUBLISHED
from lensfeed.post.v1.post_service_pb2 import (
    CreatePostRequest,
    CreatePostResponse,
    DeletePostRequest,
    DeletePostResponse,
    GetPostRequest,
    GetPostResponse,
    ListUserPostsRequest,
    ListUserPostsResponse,
)
from lensfeed.user.v1.user_service_pb2 import (
    ChangePasswordRequest,
    ChangePasswordResponse,
    CreateRecoveryCodesRequest,
    CreateRecoveryCodesResponse,
    CreateSessionRequest,
    CreateSessionResponse,
    CreateUserRequest,
    CreateUserResponse,
    DeleteSessionRequest,
    DeleteSessionResponse,
    EndOtherSessionsRequest,
    EndOtherSessionsResponse,
    EndSessionRequest,
    EndSessionResponse,
    GetCurrentUserRequest,
    GetCurrentUserResponse,
    GetUserByHandleRequest,
    GetUserByHandleResponse,
    GetUserRequest,
    GetUserResponse,
    ListSessionsRequest,
    ListSessionsResponse,
    RecoverAccountRequest,
    RecoverAccountResponse,
    RefreshSessionRequest,
    RefreshSessionResponse,
    UpdateUserRequest,
    UpdateUserResponse,
)

from tests.blackbox.contract.cases import WAYS, Call, Good, Way
from tests.blackbox.contract.scene import CAPTION, Scene
from tests.blackbox.people import PASSWORD, Person
from tests.protocols import Headers

SESSIONS = tuple(f"{use} by {way}" for use in ("end", "renew", "end by id") for way in WAYS)
"""The sessions that these cases need."""
TOKENS = ("access_token", "refresh_token", "expires_at")
PHOTO_BYTES = 1234


def ends_a_session(scene: Scene, way: Way) -> Headers:
    """Return the headers of the session to end, a different one for each protocol."""
    return scene.sessions[f"end by {way}"].headers


def with_a_key(scene: Scene, _: Way) -> Headers:
    """Use the same key in every protocol, so that all calls create one post."""
    return {**scene.headers, "idempotency-key": "the same in every way"}


def session_id(person: Person) -> str:
    """Return the id of somebody's session."""
    return person.refresh_token.partition(".")[0]


def captions(posts: Sequence[Any]) -> list[str]:
    """Return the captions of posts."""
    return [post.caption for post in posts]


def handles(users: Sequence[Any]) -> list[str]:
    """Return the handles of users."""
    return [user.handle for user in users]


GOOD = (
    Good(
        Call("POST /users", "UserService.CreateUser"),
        lambda s, way: CreateUserRequest(
            handle=f"{s.ann.handle}.{WAYS.index(way)}", display_name="Dee \N{RAINBOW}", password=PASSWORD
        ),
        CreateUserResponse,
        lambda _, m: m.user.display_name == "Dee \N{RAINBOW}",
        fresh=("user.user_id", "user.handle", "user.created_at"),
        headers=lambda _, __: {},
    ),
    Good(
        Call("POST /sessions", "UserService.CreateSession"),
        lambda s, _: CreateSessionRequest(handle=s.bob.handle, password=PASSWORD),
        CreateSessionResponse,
        lambda s, m: m.user.user_id == s.bob_id,
        fresh=TOKENS,
        headers=lambda _, __: {},
    ),
    Good(
        Call("POST /sessions/refresh", "UserService.RefreshSession"),
        lambda s, way: RefreshSessionRequest(refresh_token=s.sessions[f"renew by {way}"].refresh_token),
        RefreshSessionResponse,
        lambda s, m: m.user.handle == s.cid.handle,
        fresh=TOKENS,
        headers=lambda _, __: {},
    ),
    Good(
        Call("DELETE /sessions/current", "UserService.DeleteSession"),
        lambda _, __: DeleteSessionRequest(),
        DeleteSessionResponse,
        lambda _, m: not m.ByteSize(),
        headers=ends_a_session,
    ),
    Good(
        Call("GET /sessions", "UserService.ListSessions"),
        lambda _, __: ListSessionsRequest(),
        ListSessionsResponse,
        lambda _, m: (
            [each.is_current for each in m.sessions] == [True]
            and m.sessions[0].network == "127.0.0.0/24"
            and m.sessions[0].device
        ),
    ),
    Good(
        Call("DELETE /sessions/{sessionId}", "UserService.EndSession"),
        lambda s, way: EndSessionRequest(session_id=session_id(s.sessions[f"end by id by {way}"])),
        EndSessionResponse,
        lambda _, m: not m.ByteSize(),
        headers=lambda s, _: s.cid.headers,
    ),
    Good(
        Call("POST /sessions/end-others", "UserService.EndOtherSessions"),
        lambda _, __: EndOtherSessionsRequest(),
        EndOtherSessionsResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("POST /users/me/password", "UserService.ChangePassword"),
        lambda _, __: ChangePasswordRequest(password=PASSWORD, new_password=PASSWORD),
        ChangePasswordResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("POST /users/me/recovery-codes", "UserService.CreateRecoveryCodes"),
        lambda _, __: CreateRecoveryCodesRequest(password=PASSWORD),
        CreateRecoveryCodesResponse,
        lambda _, m: len(set(m.codes)) == len(m.codes) == 10,
        fresh=("codes",),
    ),
    Good(
        Call("POST /sessions/recover", "UserService.RecoverAccount"),
        lambda s, way: RecoverAccountRequest(
            handle=s.forgetful.handle, code=s.recovery_codes[WAYS.index(way)], new_password="remembered"
        ),
        RecoverAccountResponse,
        lambda s, m: m.user.handle == s.forgetful.handle,
        fresh=TOKENS,
        headers=lambda _, __: {},
    ),
    Good(
        Call("GET /users/{userId}", "UserService.GetUser"),
        lambda s, _: GetUserRequest(user_id=s.bob_id),
        GetUserResponse,
        lambda s, m: m.user.handle == s.bob.handle and m.user.HasField("created_at"),
    ),
    Good(
        Call("GET /users/me", "UserService.GetCurrentUser"),
        lambda _, __: GetCurrentUserRequest(),
        GetCurrentUserResponse,
        lambda s, m: (m.user.user_id, m.user.handle) == (s.ann_id, s.ann.handle),
    ),
    Good(
        Call("GET /users/by-handle/{handle}", "UserService.GetUserByHandle"),
        lambda s, _: GetUserByHandleRequest(handle=s.bob.handle.upper()),
        GetUserByHandleResponse,
        lambda s, m: m.user.user_id == s.bob_id,
        name="upper case",
    ),
    Good(
        Call("GET /users/by-handle/{handle}", "UserService.GetUserByHandle"),
        lambda s, _: GetUserByHandleRequest(handle=s.bob.handle),
        GetUserByHandleResponse,
        lambda s, m: m.user.user_id == s.bob_id,
    ),
    Good(
        Call("PATCH /users/me", "UserService.UpdateUser"),
        lambda s, _: UpdateUserRequest(display_name="Ann", bio="Paints. \N{RAINBOW}", avatar_media_id=s.photo),
        UpdateUserResponse,
        lambda s, m: (m.user.user_id, m.user.bio) == (s.ann_id, "Paints. \N{RAINBOW}") and m.user.avatar_url,
    ),
    Good(
        Call("POST /media", "MediaService.StartUpload"),
        lambda _, __: StartUploadRequest(content_type="image/jpeg", size_bytes=PHOTO_BYTES, alt_text="colours"),
        StartUploadResponse,
        lambda _, m: [part.size_bytes for part in m.parts] == [PHOTO_BYTES],
        fresh=("media_id", "parts.url", "expires_at"),
    ),
    Good(
        Call("POST /media/{mediaId}/complete", "MediaService.CompleteUpload"),
        lambda s, _: CompleteUploadRequest(media_id=s.photo),
        CompleteUploadResponse,
        lambda s, m: (m.media.media_id, m.media.state) == (s.photo, MEDIA_STATE_READY),
    ),
    Good(
        Call("GET /media/{mediaId}", "MediaService.GetMedia"),
        lambda s, _: GetMediaRequest(media_id=s.photo),
        GetMediaResponse,
        lambda _, m: m.media.state == MEDIA_STATE_READY and m.media.renditions and m.media.thumbhash,
    ),
    Good(
        Call("GET /media/{mediaId}", "MediaService.GetMedia"),
        lambda s, _: GetMediaRequest(media_id=s.awaiting_upload),
        GetMediaResponse,
        lambda _, m: m.media.state == MEDIA_STATE_AWAITING_UPLOAD,
        fresh=("upload.parts.url", "upload.expires_at"),
        name="unfinished",
    ),
    *(
        Good(
            Call("GET /media/{mediaId}", "MediaService.GetMedia"),
            lambda s, _, reason=reason: GetMediaRequest(media_id=s.rejected[reason]),  # type: ignore[misc]  # a default in a lambda
            GetMediaResponse,
            lambda _, m, reason=reason: (m.media.state, m.media.failure.reason) == (MEDIA_STATE_REJECTED, reason),  # type: ignore[misc]  # as above
            name=reason,
        )
        for reason in ("MEDIA_CORRUPT", "MEDIA_TOO_LARGE", "TYPE_MISMATCH")
    ),
    Good(
        Call("GET /m/{mediaId}", "MediaService.PickRendition"),
        lambda s, _: PickRenditionRequest(media_id=s.photo, width=100),
        PickRenditionResponse,
        lambda _, m: m.rendition.content_type == "image/webp",
        headers=lambda _, __: {"accept": "image/webp,*/*;q=0.8"},
        redirect="rendition.url",
    ),
    Good(
        Call("POST /posts", "PostService.CreatePost"),
        lambda s, _: CreatePostRequest(caption=CAPTION, media_ids=[s.photo]),
        CreatePostResponse,
        lambda s, m: (m.post.author_id, m.post.caption, m.post.state) == (s.ann_id, CAPTION, POST_STATE_PUBLISHED),
        headers=with_a_key,
    ),
    Good(
        Call("GET /posts/{postId}", "PostService.GetPost"),
        lambda s, _: GetPostRequest(post_id=s.post_of_bob),
        GetPostResponse,
        lambda s, m: (m.post.post_id, m.post.author_id, m.post.caption) == (s.post_of_bob, s.bob_id, CAPTION),
    ),
    Good(
        Call("DELETE /posts/{postId}", "PostService.DeletePost"),
        lambda s, _: DeletePostRequest(post_id=s.doomed_post),
        DeletePostResponse,
        lambda _, m: not m.ByteSize(),
        name="and again",
    ),
    Good(
        Call("GET /users/{userId}/posts", "PostService.ListUserPosts"),
        lambda s, _: ListUserPostsRequest(user_id=s.bob_id),
        ListUserPostsResponse,
        lambda _, m: captions(m.posts) == [CAPTION, "older"] and not m.HasField("next_cursor"),
    ),
    Good(
        Call("GET /users/{userId}/posts", "PostService.ListUserPosts"),
        lambda s, _: ListUserPostsRequest(user_id=s.bob_id, limit=1),
        ListUserPostsResponse,
        lambda _, m: captions(m.posts) == [CAPTION],
        fresh=("next_cursor",),
        name="page",
    ),
    Good(
        Call("POST /follows", "FollowService.CreateFollow"),
        lambda s, _: CreateFollowRequest(followee_id=s.bob_id),
        CreateFollowResponse,
        lambda s, m: (m.follow.follower_id, m.follow.followee_id) == (s.ann_id, s.bob_id),
        name="again",
    ),
    Good(
        Call("POST /follow-requests/{followerId}/accept", "FollowService.AcceptFollowRequest"),
        lambda s, _: AcceptFollowRequestRequest(follower_id=s.ann_id),
        AcceptFollowRequestResponse,
        lambda s, m: (m.follow.follower_id, m.follow.state) == (s.ann_id, FOLLOW_STATE_FOLLOWING),
        headers=lambda s, _: s.bob.headers,
        name="of a follower",
    ),
    Good(
        Call("DELETE /follow-requests/{followerId}", "FollowService.DeclineFollowRequest"),
        lambda s, _: DeclineFollowRequestRequest(follower_id=int(s.cid.user_id)),
        DeclineFollowRequestResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("GET /follow-requests", "FollowService.ListFollowRequests"),
        lambda _, __: ListFollowRequestsRequest(limit=1),
        ListFollowRequestsResponse,
        lambda _, m: not m.users and not m.HasField("next_cursor"),
    ),
    Good(
        Call("PATCH /users/me/privacy", "FollowService.UpdatePrivacy"),
        lambda _, __: UpdatePrivacyRequest(visibility=ACCOUNT_VISIBILITY_PUBLIC),
        UpdatePrivacyResponse,
        lambda _, m: m.visibility == ACCOUNT_VISIBILITY_PUBLIC,
    ),
    Good(
        Call("DELETE /follows/{followeeId}", "FollowService.DeleteFollow"),
        lambda s, _: DeleteFollowRequest(followee_id=int(s.cid.user_id)),
        DeleteFollowResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("DELETE /followers/{followerId}", "FollowService.RemoveFollower"),
        lambda s, _: RemoveFollowerRequest(follower_id=int(s.cid.user_id)),
        RemoveFollowerResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("POST /mutes", "FollowService.CreateMute"),
        lambda s, _: CreateMuteRequest(user_id=s.ann_id),
        CreateMuteResponse,
        lambda _, m: not m.ByteSize(),
        headers=lambda s, _: s.uploads_very_many.headers,
    ),
    Good(
        Call("DELETE /mutes/{userId}", "FollowService.DeleteMute"),
        lambda s, _: DeleteMuteRequest(user_id=int(s.cid.user_id)),
        DeleteMuteResponse,
        lambda _, m: not m.ByteSize(),
    ),
    Good(
        Call("GET /mutes", "FollowService.ListMutes"),
        lambda _, __: ListMutesRequest(limit=1),
        ListMutesResponse,
        lambda _, m: not m.users and not m.HasField("next_cursor"),
    ),
    Good(
        Call("POST /blocks", "FollowService.CreateBlock"),
        lambda s, _: CreateBlockRequest(user_id=int(s.cid.user_id)),
        CreateBlockResponse,
        lambda _, m: not m.ByteSize(),
        headers=lambda s, _: s.uploads_very_many.headers,
    ),
    Good(
        Call("DELETE /blocks/{userId}", "FollowService.DeleteBlock"),
        lambda s, _: DeleteBlockRequest(user_id=int(s.cid.user_id)),
        DeleteBlockResponse,
        lambda _, m: not m.ByteSize(),
        headers=lambda s, _: s.uploads_very_many.headers,
    ),
    Good(
        Call("GET /blocks", "FollowService.ListBlocks"),
        lambda _, __: ListBlocksRequest(limit=1),
        ListBlocksResponse,
        lambda _, m: not m.users and not m.HasField("next_cursor"),
    ),
    Good(
        Call("GET /users/{userId}/followers", "FollowService.ListFollowers"),
        lambda s, _: ListFollowersRequest(user_id=s.bob_id),
        ListFollowersResponse,
        lambda s, m: handles(m.users) == [s.ann.handle] and not m.HasField("next_cursor"),
    ),
    Good(
        Call("GET /users/{userId}/following", "FollowService.ListFollowing"),
        lambda s, _: ListFollowingRequest(user_id=s.ann_id, limit=1),
        ListFollowingResponse,
        lambda s, m: handles(m.users) == [s.bob.handle],
    ),
    Good(
        Call("GET /users/{userId}/relationship", "FollowService.GetRelationship"),
        lambda s, _: GetRelationshipRequest(user_id=s.bob_id),
        GetRelationshipResponse,
        lambda _, m: (m.following, m.followed_by, m.follower_count) == (True, False, 1),
    ),
    Good(
        Call("GET /feed", "FeedService.GetFeed"),
        lambda _, __: GetFeedRequest(),
        GetFeedResponse,
        lambda s, m: (
            captions([item.post for item in m.items]) == [CAPTION, "older"]
            and handles([item.author for item in m.items]) == [s.bob.handle] * 2
            and not m.HasField("next_cursor")
        ),
    ),
    Good(
        Call("GET /feed", "FeedService.GetFeed"),
        lambda _, __: GetFeedRequest(limit=1),
        GetFeedResponse,
        lambda _, m: captions([item.post for item in m.items]) == [CAPTION],
        fresh=("next_cursor",),
        name="page",
    ),
    Good(
        Call("GET /feed", "FeedService.GetFeed"),
        lambda _, __: GetFeedRequest(),
        GetFeedResponse,
        lambda _, m: m.empty_reason == EMPTY_REASON_FOLLOWS_NOBODY and not m.items,
        headers=lambda s, _: s.cid.headers,
        name="empty",
    ),
)
