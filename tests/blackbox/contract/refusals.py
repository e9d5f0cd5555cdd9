"""The contract's error table as data: each row is a call and the error that it must return in every protocol."""

from collections.abc import Callable

from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest
from lensfeed.follow.v1.follow_service_pb2 import (
    AcceptFollowRequestRequest,
    CreateBlockRequest,
    CreateFollowRequest,
    CreateMuteRequest,
    GetRelationshipRequest,
    ListBlocksRequest,
    ListFollowersRequest,
    ListFollowingRequest,
    ListFollowRequestsRequest,
    ListMutesRequest,
    UpdatePrivacyRequest,
)
from lensfeed.media.v1.media_service_pb2 import (
    CompletedPart,
    CompleteUploadRequest,
    GetMediaRequest,
    PickRenditionRequest,
    StartUploadRequest,
)
from lensfeed.post.v1.post_service_pb2 import (
    CreatePostRequest,
    DeletePostRequest,
    GetPostRequest,
    ListUserPostsRequest,
)
from lensfeed.user.v1.user_service_pb2 import (
    ChangePasswordRequest,
    CreateRecoveryCodesRequest,
    CreateSessionRequest,
    CreateUserRequest,
    EndSessionRequest,
    GetUserByHandleRequest,
    GetUserRequest,
    RecoverAccountRequest,
    RefreshSessionRequest,
    UpdateUserRequest,
)

from tests.blackbox.contract.cases import Asked, Call, Refused, as_nobody
from tests.blackbox.contract.scene import Scene
from tests.blackbox.people import PASSWORD
from tests.protocols import Headers

HTTP_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.UNAUTHENTICATED: 401,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
}
"""The HTTP status of each code, unless the row has another."""

BAD_CURSORS = ("garbage", "A" * 513)
MEBIBYTE = 1024 * 1024


def user(**fields: str) -> Asked:
    """Return a sign-up request."""
    return lambda _: CreateUserRequest(**{"handle": "fine.handle", "password": PASSWORD, **fields})


def upload(content_type: str, size_bytes: int) -> Asked:
    """Return an upload request."""
    return lambda _: StartUploadRequest(content_type=content_type, size_bytes=size_bytes)


def post(*media: Callable[[Scene], str], caption: str = "") -> Asked:
    """Return a post request."""
    return lambda scene: CreatePostRequest(caption=caption, media_ids=[each(scene) for each in media])


def log_in(handle: str) -> Asked:
    """Return a login request with some password."""
    return lambda _: CreateSessionRequest(handle=handle, password="some password")


def refresh(token: str) -> Asked:
    """Return a refresh request."""
    return lambda _: RefreshSessionRequest(refresh_token=token)


def page(
    kind: type[ListUserPostsRequest | ListFollowersRequest | ListFollowingRequest], cursor: str = "", limit: int = 0
) -> Asked:
    """Return a request for a page of one of Bob's lists."""
    return lambda scene: kind(user_id=scene.bob_id, cursor=cursor, limit=limit)


def feed(cursor: str = "", limit: int = 0) -> Asked:
    """Return a request for a page of the feed."""
    return lambda _: GetFeedRequest(cursor=cursor, limit=limit)


def authorized_by(authorization: str) -> Callable[[Scene], Headers]:
    """Return headers with this authorization."""
    return lambda _: {"authorization": authorization}


def photo(scene: Scene) -> str:
    """Return the id of Ann's photo."""
    return scene.photo


def follow_bob(scene: Scene) -> Message:
    """Return a request to follow Bob."""
    return CreateFollowRequest(followee_id=scene.bob_id)


INVALID, MISSING, EARLY = Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION
SIGN_UP = Call("POST /users", "UserService.CreateUser")
LOG_IN = Call("POST /sessions", "UserService.CreateSession")
PROFILE = Call("PATCH /users/me", "UserService.UpdateUser")
CHANGE_PASSWORD = Call("POST /users/me/password", "UserService.ChangePassword")
RECOVER = Call("POST /sessions/recover", "UserService.RecoverAccount")
UPLOAD = Call("POST /media", "MediaService.StartUpload")
COMPLETE = Call("POST /media/{mediaId}/complete", "MediaService.CompleteUpload")
POST = Call("POST /posts", "PostService.CreatePost")
FOLLOW = Call("POST /follows", "FollowService.CreateFollow")
FEED = Call("GET /feed", "FeedService.GetFeed")
POSTS = Call("GET /users/{userId}/posts", "PostService.ListUserPosts")
FOLLOWERS = Call("GET /users/{userId}/followers", "FollowService.ListFollowers")
MUTE = Call("POST /mutes", "FollowService.CreateMute")
MUTES = Call("GET /mutes", "FollowService.ListMutes")
BLOCK = Call("POST /blocks", "FollowService.CreateBlock")
ACCEPT = Call("POST /follow-requests/{followerId}/accept", "FollowService.AcceptFollowRequest")
REQUESTS = Call("GET /follow-requests", "FollowService.ListFollowRequests")
PRIVACY = Call("PATCH /users/me/privacy", "FollowService.UpdatePrivacy")
BLOCKS = Call("GET /blocks", "FollowService.ListBlocks")
FOLLOWING = Call("GET /users/{userId}/following", "FollowService.ListFollowing")

REFUSALS = (
    *(
        Refused("HANDLE_INVALID", INVALID, SIGN_UP, user(handle=handle), "handle")
        for handle in ("", "ab", "a" * 31, "Ann", "ann!", "ann bee", "änn")
    ),
    *(
        Refused("PASSWORD_INVALID", INVALID, SIGN_UP, user(password=text), "password")
        for text in ("", "short", "a" * 1025)
    ),
    Refused("FIELD_INVALID", INVALID, SIGN_UP, user(display_name="a" * 65), "display_name"),
    Refused(
        "HANDLE_TAKEN",
        Code.ALREADY_EXISTS,
        SIGN_UP,
        lambda s: CreateUserRequest(handle=s.ann.handle, password=PASSWORD),
    ),
    Refused(
        "CREDENTIALS_INVALID",
        Code.UNAUTHENTICATED,
        LOG_IN,
        lambda s: CreateSessionRequest(handle=s.ann.handle, password="a wrong one"),
    ),
    *(
        Refused("CREDENTIALS_INVALID", Code.UNAUTHENTICATED, LOG_IN, log_in(handle))
        for handle in ("nobody.has.this", "No Handle!", "")
    ),
    *(
        Refused(
            "TOKEN_INVALID",
            Code.UNAUTHENTICATED,
            Call("POST /sessions/refresh", "UserService.RefreshSession"),
            refresh(token),
        )
        for token in ("", "garbage", "a.b.c")
    ),
    *(
        Refused("SESSION_NOT_FOUND", MISSING, Call("DELETE /sessions/{sessionId}", "UserService.EndSession"), request)
        for request in (
            lambda s: EndSessionRequest(session_id=s.cid.refresh_token.partition(".")[0]),
            lambda _: EndSessionRequest(session_id="nonsense"),
        )
    ),
    Refused(
        "CREDENTIALS_INVALID",
        Code.UNAUTHENTICATED,
        CHANGE_PASSWORD,
        lambda _: ChangePasswordRequest(password="a wrong one", new_password=PASSWORD),
    ),
    Refused(
        "PASSWORD_INVALID",
        INVALID,
        CHANGE_PASSWORD,
        lambda _: ChangePasswordRequest(password=PASSWORD, new_password="short"),
        "new_password",
    ),
    Refused(
        "CREDENTIALS_INVALID",
        Code.UNAUTHENTICATED,
        Call("POST /users/me/recovery-codes", "UserService.CreateRecoveryCodes"),
        lambda _: CreateRecoveryCodesRequest(password="a wrong one"),
    ),
    *(
        Refused("CREDENTIALS_INVALID", Code.UNAUTHENTICATED, RECOVER, request, headers=as_nobody)
        for request in (
            lambda s: RecoverAccountRequest(handle=s.ann.handle, code="aaaa", new_password=PASSWORD),
            lambda _: RecoverAccountRequest(handle="nobody.has.this", code="aaaa", new_password=PASSWORD),
        )
    ),
    Refused(
        "PASSWORD_INVALID",
        INVALID,
        RECOVER,
        lambda s: RecoverAccountRequest(handle=s.ann.handle, code="aaaa", new_password="short"),
        "new_password",
        headers=as_nobody,
    ),
    Refused(
        "USER_NOT_FOUND",
        MISSING,
        Call("GET /users/{userId}", "UserService.GetUser"),
        lambda s: GetUserRequest(user_id=s.nobody),
    ),
    Refused(
        "USER_NOT_FOUND",
        MISSING,
        Call("GET /users/by-handle/{handle}", "UserService.GetUserByHandle"),
        lambda _: GetUserByHandleRequest(handle="nobody.has.this"),
    ),
    Refused("FIELD_INVALID", INVALID, PROFILE, lambda _: UpdateUserRequest(display_name="a" * 65), "display_name"),
    Refused("FIELD_INVALID", INVALID, PROFILE, lambda _: UpdateUserRequest(bio="a" * 501), "bio"),
    Refused("MEDIA_NOT_FOUND", MISSING, PROFILE, lambda s: UpdateUserRequest(avatar_media_id=s.photo_of_bob)),
    Refused("MEDIA_NOT_READY", EARLY, PROFILE, lambda s: UpdateUserRequest(avatar_media_id=s.awaiting_upload)),
    *(
        Refused("TYPE_UNSUPPORTED", INVALID, UPLOAD, upload(kind, 10), "content_type")
        for kind in ("", "image/svg+xml", "text/html", "IMAGE", "image/jpeg; q=1")
    ),
    *(
        Refused("SIZE_OUT_OF_RANGE", INVALID, UPLOAD, upload(kind, size), "size_bytes")
        for kind, size in (
            ("image/jpeg", 0),
            ("image/jpeg", -1),
            ("image/png", 50_000_001),
            ("video/mp4", 4_000_000_001),
        )
    ),
    Refused(
        "FIELD_INVALID",
        INVALID,
        UPLOAD,
        lambda _: StartUploadRequest(content_type="image/jpeg", size_bytes=9, alt_text="a" * 1001),
        "alt_text",
    ),
    Refused("PARTS_MISMATCH", EARLY, COMPLETE, lambda s: CompleteUploadRequest(media_id=s.awaiting_upload)),
    Refused(
        "PARTS_MISMATCH",
        EARLY,
        COMPLETE,
        lambda s: CompleteUploadRequest(media_id=s.awaiting_upload, parts=[CompletedPart(number=1, etag="no such")]),
    ),
    Refused("MEDIA_NOT_FOUND", MISSING, COMPLETE, lambda s: CompleteUploadRequest(media_id=s.photo_of_bob)),
    Refused("MEDIA_NOT_FOUND", MISSING, COMPLETE, lambda s: CompleteUploadRequest(media_id=s.nothing)),
    Refused(
        "MEDIA_NOT_FOUND",
        MISSING,
        Call("GET /media/{mediaId}", "MediaService.GetMedia"),
        lambda s: GetMediaRequest(media_id=s.nothing),
    ),
    Refused(
        "MEDIA_NOT_FOUND",
        MISSING,
        Call("GET /media/{mediaId}", "MediaService.GetMedia"),
        lambda _: GetMediaRequest(media_id="no-id"),
    ),
    Refused("CAPTION_TOO_LONG", INVALID, POST, post(photo, caption="\N{RAINBOW}" * 2201), "caption"),
    Refused("CAPTION_INVALID", INVALID, POST, post(photo, caption="a\0b"), "caption"),
    Refused("MEDIA_COUNT", INVALID, POST, post(), "media_ids"),
    Refused("MEDIA_COUNT", INVALID, POST, post(*[lambda _, n=n: f"{n}" for n in range(11)]), "media_ids"),
    Refused("MEDIA_DUPLICATE", INVALID, POST, post(photo, photo), "media_ids"),
    *(
        Refused("MEDIA_NOT_FOUND", MISSING, POST, post(photo, other), "media_ids")
        for other in (lambda s: s.nothing, lambda s: s.photo_of_bob, lambda _: "no-id", lambda _: "")
    ),
    Refused("MEDIA_REJECTED", EARLY, POST, post(photo, lambda s: s.rejected["MEDIA_CORRUPT"]), "media_ids"),
    *(
        Refused("POST_NOT_FOUND", MISSING, Call("GET /posts/{postId}", "PostService.GetPost"), request)
        for request in (
            lambda s: GetPostRequest(post_id=s.nothing),
            lambda s: GetPostRequest(post_id=s.deleted_post),
            lambda s: GetPostRequest(post_id=s.waiting_post_of_bob),
            lambda s: GetPostRequest(post_id=s.post_of_bob.upper()),
            lambda _: GetPostRequest(post_id="no-id"),
        )
    ),
    *(
        Refused("POST_NOT_FOUND", MISSING, Call("DELETE /posts/{postId}", "PostService.DeletePost"), request)
        for request in (
            lambda s: DeletePostRequest(post_id=s.nothing),
            lambda s: DeletePostRequest(post_id=s.post_of_bob),
            lambda _: DeletePostRequest(post_id="no-id"),
        )
    ),
    Refused("SELF_FOLLOW", INVALID, FOLLOW, lambda s: CreateFollowRequest(followee_id=s.ann_id), "followee_id"),
    *(
        Refused("USER_NOT_FOUND", MISSING, FOLLOW, request)
        for request in (
            lambda s: CreateFollowRequest(followee_id=s.nobody),
            lambda _: CreateFollowRequest(),
            lambda _: CreateFollowRequest(followee_id=-5),
        )
    ),
    *(
        Refused("NOT_FOLLOWING", EARLY, MUTE, request)
        for request in (
            lambda s: CreateMuteRequest(user_id=int(s.cid.user_id)),
            lambda s: CreateMuteRequest(user_id=s.ann_id),
            lambda s: CreateMuteRequest(user_id=s.nobody),
            lambda _: CreateMuteRequest(),
        )
    ),
    *(
        Refused("REQUEST_NOT_FOUND", MISSING, ACCEPT, request)
        for request in (
            lambda s: AcceptFollowRequestRequest(follower_id=int(s.cid.user_id)),
            lambda s: AcceptFollowRequestRequest(follower_id=s.ann_id),
            lambda s: AcceptFollowRequestRequest(follower_id=s.nobody),
        )
    ),
    Refused("FIELD_INVALID", INVALID, PRIVACY, lambda _: UpdatePrivacyRequest(), "visibility"),
    Refused("LIMIT_INVALID", INVALID, REQUESTS, lambda _: ListFollowRequestsRequest(limit=-1), "limit"),
    *(
        Refused(
            "CURSOR_INVALID",
            INVALID,
            REQUESTS,
            lambda _, cursor=cursor: ListFollowRequestsRequest(cursor=cursor),  # type: ignore[misc]  # a default in a lambda
            "cursor",
        )
        for cursor in BAD_CURSORS
    ),
    Refused("SELF_BLOCK", INVALID, BLOCK, lambda s: CreateBlockRequest(user_id=s.ann_id), "user_id"),
    Refused("USER_NOT_FOUND", MISSING, BLOCK, lambda s: CreateBlockRequest(user_id=s.nobody)),
    Refused("USER_NOT_FOUND", MISSING, FOLLOWERS, lambda s: ListFollowersRequest(user_id=s.nobody)),
    Refused("USER_NOT_FOUND", MISSING, FOLLOWING, lambda s: ListFollowingRequest(user_id=s.nobody)),
    Refused(
        "USER_NOT_FOUND",
        MISSING,
        Call("GET /users/{userId}/relationship", "FollowService.GetRelationship"),
        lambda s: GetRelationshipRequest(user_id=s.nobody),
    ),
    Refused("LIMIT_INVALID", INVALID, FEED, feed(limit=-1), "limit"),
    Refused("LIMIT_INVALID", INVALID, POSTS, page(ListUserPostsRequest, limit=-1), "limit"),
    Refused("LIMIT_INVALID", INVALID, FOLLOWERS, page(ListFollowersRequest, limit=-1), "limit"),
    Refused("LIMIT_INVALID", INVALID, FOLLOWING, page(ListFollowingRequest, limit=-1), "limit"),
    Refused("LIMIT_INVALID", INVALID, MUTES, lambda _: ListMutesRequest(limit=-1), "limit"),
    Refused("LIMIT_INVALID", INVALID, BLOCKS, lambda _: ListBlocksRequest(limit=-1), "limit"),
    *(
        Refused("CURSOR_INVALID", INVALID, BLOCKS, lambda _, cursor=cursor: ListBlocksRequest(cursor=cursor), "cursor")  # type: ignore[misc]  # a default in a lambda
        for cursor in BAD_CURSORS
    ),
    *(
        Refused("CURSOR_INVALID", INVALID, MUTES, lambda _, cursor=cursor: ListMutesRequest(cursor=cursor), "cursor")  # type: ignore[misc]  # a default in a lambda
        for cursor in BAD_CURSORS
    ),
    *(Refused("CURSOR_INVALID", INVALID, FEED, feed(cursor), "cursor") for cursor in BAD_CURSORS),
    *(
        Refused("CURSOR_INVALID", INVALID, POSTS, page(ListUserPostsRequest, cursor), "cursor")
        for cursor in BAD_CURSORS
    ),
    *(
        Refused("CURSOR_INVALID", INVALID, FOLLOWERS, page(ListFollowersRequest, cursor), "cursor")
        for cursor in BAD_CURSORS
    ),
    *(
        Refused("CURSOR_INVALID", INVALID, FOLLOWING, page(ListFollowingRequest, cursor), "cursor")
        for cursor in BAD_CURSORS
    ),
    Refused("UPLOAD_EXPIRED", EARLY, COMPLETE, lambda s: CompleteUploadRequest(media_id=s.expired_upload)),
    Refused(
        "MEDIA_NOT_FOUND",
        MISSING,
        Call("GET /m/{mediaId}", "MediaService.PickRendition"),
        lambda s: PickRenditionRequest(media_id=s.nothing),
    ),
    *(
        Refused(
            "IDEMPOTENCY_MISMATCH",
            Code.ALREADY_EXISTS,
            call,
            request,
            headers=lambda s: {**s.headers, "idempotency-key": s.used_key},
        )
        for call, request in (
            (POST, post(photo, caption="another body")),
            (UPLOAD, upload("image/jpeg", 10)),
            (SIGN_UP, user()),
        )
    ),
    *(
        Refused(
            "IDEMPOTENCY_KEY_INVALID",
            INVALID,
            call,
            request,
            "idempotency-key",
            headers=lambda s: {**s.headers, "idempotency-key": "a" * 256},
        )
        for call, request in ((POST, post(photo)), (UPLOAD, upload("image/jpeg", 10)), (SIGN_UP, user()))
    ),
    Refused("FOLLOW_LIMIT", EARLY, FOLLOW, follow_bob, headers=lambda s: s.follows_very_many.headers),
    *(
        Refused("TOKEN_MISSING", Code.UNAUTHENTICATED, call, request, headers=as_nobody)
        for call, request in ((FEED, feed()), (FOLLOW, follow_bob))
    ),
    Refused("TOKEN_MISSING", Code.UNAUTHENTICATED, FEED, feed(), headers=authorized_by("Basic YW5uOmE=")),
    *(
        Refused("TOKEN_INVALID", Code.UNAUTHENTICATED, FEED, feed(), headers=authorized_by(text))
        for text in ("Bearer a.b.c", "Bearer nonsense")
    ),
    Refused(
        "UPLOADS_PENDING_LIMIT",
        Code.RESOURCE_EXHAUSTED,
        UPLOAD,
        upload("image/png", 10),
        headers=lambda s: s.uploads_very_many.headers,
        http_status=429,
    ),
    Refused("MESSAGE_TOO_LARGE", Code.RESOURCE_EXHAUSTED, POST, post(photo, caption="a" * MEBIBYTE), http_status=413),
    *(
        Refused("METHOD_UNKNOWN", Code.UNIMPLEMENTED, call, feed(), http_status=404)
        for call in (
            Call("GET /nothing", "FeedService.Nothing"),
            Call("PUT /feed", "NothingService.Get"),
            Call("GET /followers", "FollowInternalService.ListFollowerIds"),
        )
    ),
)
