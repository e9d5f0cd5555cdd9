"""The error table of the contract as data: each row is a request and what it must be refused with."""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest
from lensfeed.follow.v1.follow_service_pb2 import (
    CreateFollowRequest,
    GetRelationshipRequest,
    ListFollowersRequest,
    ListFollowingRequest,
)
from lensfeed.media.v1.media_service_pb2 import (
    CompletedPart,
    CompleteUploadRequest,
    GetMediaRequest,
    StartUploadRequest,
)
from lensfeed.post.v1.post_service_pb2 import (
    CreatePostRequest,
    DeletePostRequest,
    GetPostRequest,
    ListUserPostsRequest,
)
from lensfeed.user.v1.user_service_pb2 import (
    CreateSessionRequest,
    CreateUserRequest,
    GetUserByHandleRequest,
    GetUserRequest,
    RefreshSessionRequest,
    UpdateUserRequest,
)

from tests.blackbox.people import Json

HTTP_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.UNAUTHENTICATED: 401,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.UNIMPLEMENTED: 501,
}
"""What REST says for each code that a service answers."""

PASSWORD = "long enough"
BAD_CURSORS = ("garbage", "A" * 513)


@dataclass(frozen=True)
class Scene:
    """What the requests of the table speak of. The caller is Ann; Bob is another."""

    ann_id: int
    ann_handle: str
    bob_id: int
    photo: str
    rejected: str
    photo_of_bob: str
    post_of_bob: str
    waiting_post_of_bob: str
    deleted_post: str
    awaiting_upload: str
    nobody: int
    nothing: str


@dataclass(frozen=True)
class Row:
    """One row: the same message by REST and by gRPC.

    `rest` is as `GET /posts/{postId}`; fields that its path does not name go into the body or the query. `field` is the one
    that is to be named as invalid.
    """

    reason: str
    code: int
    rest: str
    method: str
    request: Callable[[Scene], Message]
    field: str = ""

    def path(self) -> str:
        """Return the path of the gRPC method."""
        service, _, name = self.method.partition(".")
        return f"/lensfeed.{service.removesuffix('Service').lower()}.v1.{service}/{name}"

    def rest_call(self, message: Message) -> tuple[str, str, Json | None, Json]:
        """Return REST's method, path, body and query for a message."""
        method, _, template = self.rest.partition(" ")
        fields = json_format.MessageToDict(message)
        path = template.format_map({"postId": "", **fields})
        others = {name: value for name, value in fields.items() if f"{{{name}}}" not in template}
        return (method, path, others, {}) if method in {"POST", "PATCH"} else (method, path, None, others)


def user(**fields: str) -> Callable[[Scene], Message]:
    """Make a request for an account."""
    return lambda _: CreateUserRequest(**{"handle": "fine.handle", "password": PASSWORD, **fields})


def upload(content_type: str, size_bytes: int) -> Callable[[Scene], Message]:
    """Make a request for an upload."""
    return lambda _: StartUploadRequest(content_type=content_type, size_bytes=size_bytes)


def post(*media: Callable[[Scene], str], caption: str = "") -> Callable[[Scene], Message]:
    """Make a request for a post."""
    return lambda scene: CreatePostRequest(caption=caption, media_ids=[each(scene) for each in media])


def log_in(handle: str) -> Callable[[Scene], Message]:
    """Make a request for a session, with some password."""
    return lambda _: CreateSessionRequest(handle=handle, password="some password")


def refresh(token: str) -> Callable[[Scene], Message]:
    """Make a request for new tokens."""
    return lambda _: RefreshSessionRequest(refresh_token=token)


def page(
    kind: type[ListUserPostsRequest | ListFollowersRequest | ListFollowingRequest], cursor: str = "", limit: int = 0
) -> Callable[[Scene], Message]:
    """Make a request for a page of one of Bob's lists."""
    return lambda scene: kind(user_id=scene.bob_id, cursor=cursor, limit=limit)


def feed(cursor: str = "", limit: int = 0) -> Callable[[Scene], Message]:
    """Make a request for a page of the feed."""
    return lambda _: GetFeedRequest(cursor=cursor, limit=limit)


def photo(scene: Scene) -> str:
    """Name Ann's photo."""
    return scene.photo


INVALID, MISSING, EARLY = Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION
SIGN_UP = ("POST /users", "UserService.CreateUser")
LOG_IN = ("POST /sessions", "UserService.CreateSession")
PROFILE = ("PATCH /users/me", "UserService.UpdateUser")
UPLOAD = ("POST /media", "MediaService.StartUpload")
COMPLETE = ("POST /media/{mediaId}/complete", "MediaService.CompleteUpload")
POST = ("POST /posts", "PostService.CreatePost")
FOLLOW = ("POST /follows", "FollowService.CreateFollow")
FEED = ("GET /feed", "FeedService.GetFeed")
POSTS = ("GET /users/{userId}/posts", "PostService.ListUserPosts")
FOLLOWERS = ("GET /users/{userId}/followers", "FollowService.ListFollowers")
FOLLOWING = ("GET /users/{userId}/following", "FollowService.ListFollowing")

ROWS = (
    *(
        Row("HANDLE_INVALID", INVALID, *SIGN_UP, user(handle=handle), "handle")
        for handle in ("", "ab", "a" * 31, "Ann", "ann!", "ann bee", "änn")
    ),
    *(
        Row("PASSWORD_INVALID", INVALID, *SIGN_UP, user(password=text), "password")
        for text in ("", "short", "a" * 1025)
    ),
    Row("FIELD_INVALID", INVALID, *SIGN_UP, user(display_name="a" * 65), "display_name"),
    Row(
        "HANDLE_TAKEN",
        Code.ALREADY_EXISTS,
        *SIGN_UP,
        lambda s: CreateUserRequest(handle=s.ann_handle, password=PASSWORD),
    ),
    Row(
        "CREDENTIALS_INVALID",
        Code.UNAUTHENTICATED,
        *LOG_IN,
        lambda s: CreateSessionRequest(handle=s.ann_handle, password="a wrong one"),
    ),
    *(
        Row("CREDENTIALS_INVALID", Code.UNAUTHENTICATED, *LOG_IN, log_in(handle))
        for handle in ("nobody.has.this", "No Handle!", "")
    ),
    *(
        Row(
            "TOKEN_INVALID",
            Code.UNAUTHENTICATED,
            "POST /sessions/refresh",
            "UserService.RefreshSession",
            refresh(token),
        )
        for token in ("", "garbage", "a.b.c")
    ),
    Row(
        "USER_NOT_FOUND",
        MISSING,
        "GET /users/{userId}",
        "UserService.GetUser",
        lambda s: GetUserRequest(user_id=s.nobody),
    ),
    Row(
        "USER_NOT_FOUND",
        MISSING,
        "GET /users/by-handle/{handle}",
        "UserService.GetUserByHandle",
        lambda _: GetUserByHandleRequest(handle="nobody.has.this"),
    ),
    Row("FIELD_INVALID", INVALID, *PROFILE, lambda _: UpdateUserRequest(display_name="a" * 65), "display_name"),
    Row("FIELD_INVALID", INVALID, *PROFILE, lambda _: UpdateUserRequest(bio="a" * 501), "bio"),
    Row("MEDIA_NOT_FOUND", MISSING, *PROFILE, lambda s: UpdateUserRequest(avatar_media_id=s.photo_of_bob)),
    Row("MEDIA_NOT_READY", EARLY, *PROFILE, lambda s: UpdateUserRequest(avatar_media_id=s.awaiting_upload)),
    *(
        Row("TYPE_UNSUPPORTED", INVALID, *UPLOAD, upload(kind, 10), "content_type")
        for kind in ("", "image/svg+xml", "text/html", "IMAGE", "image/jpeg; q=1")
    ),
    *(
        Row("SIZE_OUT_OF_RANGE", INVALID, *UPLOAD, upload(kind, size), "size_bytes")
        for kind, size in (
            ("image/jpeg", 0),
            ("image/jpeg", -1),
            ("image/png", 50_000_001),
            ("video/mp4", 4_000_000_001),
        )
    ),
    Row(
        "FIELD_INVALID",
        INVALID,
        *UPLOAD,
        lambda _: StartUploadRequest(content_type="image/jpeg", size_bytes=9, alt_text="a" * 1001),
        "alt_text",
    ),
    Row("PARTS_MISMATCH", EARLY, *COMPLETE, lambda s: CompleteUploadRequest(media_id=s.awaiting_upload)),
    Row(
        "PARTS_MISMATCH",
        EARLY,
        *COMPLETE,
        lambda s: CompleteUploadRequest(media_id=s.awaiting_upload, parts=[CompletedPart(number=1, etag="no such")]),
    ),
    Row("MEDIA_NOT_FOUND", MISSING, *COMPLETE, lambda s: CompleteUploadRequest(media_id=s.photo_of_bob)),
    Row("MEDIA_NOT_FOUND", MISSING, *COMPLETE, lambda s: CompleteUploadRequest(media_id=s.nothing)),
    Row(
        "MEDIA_NOT_FOUND",
        MISSING,
        "GET /media/{mediaId}",
        "MediaService.GetMedia",
        lambda s: GetMediaRequest(media_id=s.nothing),
    ),
    Row(
        "MEDIA_NOT_FOUND",
        MISSING,
        "GET /media/{mediaId}",
        "MediaService.GetMedia",
        lambda _: GetMediaRequest(media_id="no-id"),
    ),
    Row("CAPTION_TOO_LONG", INVALID, *POST, post(photo, caption="\N{RAINBOW}" * 2201), "caption"),
    Row("CAPTION_INVALID", INVALID, *POST, post(photo, caption="a\0b"), "caption"),
    Row("MEDIA_COUNT", INVALID, *POST, post(), "media_ids"),
    Row("MEDIA_COUNT", INVALID, *POST, post(*[lambda _, n=n: f"{n}" for n in range(11)]), "media_ids"),
    Row("MEDIA_DUPLICATE", INVALID, *POST, post(photo, photo), "media_ids"),
    *(
        Row("MEDIA_NOT_FOUND", MISSING, *POST, post(photo, other), "media_ids")
        for other in (lambda s: s.nothing, lambda s: s.photo_of_bob, lambda _: "no-id", lambda _: "")
    ),
    Row("MEDIA_REJECTED", EARLY, *POST, post(photo, lambda s: s.rejected), "media_ids"),
    *(
        Row("POST_NOT_FOUND", MISSING, "GET /posts/{postId}", "PostService.GetPost", request)
        for request in (
            lambda s: GetPostRequest(post_id=s.nothing),
            lambda s: GetPostRequest(post_id=s.deleted_post),
            lambda s: GetPostRequest(post_id=s.waiting_post_of_bob),
            lambda s: GetPostRequest(post_id=s.post_of_bob.upper()),
            lambda _: GetPostRequest(post_id="no-id"),
        )
    ),
    *(
        Row("POST_NOT_FOUND", MISSING, "DELETE /posts/{postId}", "PostService.DeletePost", request)
        for request in (
            lambda s: DeletePostRequest(post_id=s.nothing),
            lambda s: DeletePostRequest(post_id=s.post_of_bob),
            lambda _: DeletePostRequest(post_id="no-id"),
        )
    ),
    Row("SELF_FOLLOW", INVALID, *FOLLOW, lambda s: CreateFollowRequest(followee_id=s.ann_id), "followee_id"),
    *(
        Row("USER_NOT_FOUND", MISSING, *FOLLOW, request)
        for request in (
            lambda s: CreateFollowRequest(followee_id=s.nobody),
            lambda _: CreateFollowRequest(),
            lambda _: CreateFollowRequest(followee_id=-5),
        )
    ),
    Row("USER_NOT_FOUND", MISSING, *FOLLOWERS, lambda s: ListFollowersRequest(user_id=s.nobody)),
    Row("USER_NOT_FOUND", MISSING, *FOLLOWING, lambda s: ListFollowingRequest(user_id=s.nobody)),
    Row(
        "USER_NOT_FOUND",
        MISSING,
        "GET /users/{userId}/relationship",
        "FollowService.GetRelationship",
        lambda s: GetRelationshipRequest(user_id=s.nobody),
    ),
    Row("LIMIT_INVALID", INVALID, *FEED, feed(limit=-1), "limit"),
    Row("LIMIT_INVALID", INVALID, *POSTS, page(ListUserPostsRequest, limit=-1), "limit"),
    Row("LIMIT_INVALID", INVALID, *FOLLOWERS, page(ListFollowersRequest, limit=-1), "limit"),
    Row("LIMIT_INVALID", INVALID, *FOLLOWING, page(ListFollowingRequest, limit=-1), "limit"),
    *(Row("CURSOR_INVALID", INVALID, *FEED, feed(cursor), "cursor") for cursor in BAD_CURSORS),
    *(Row("CURSOR_INVALID", INVALID, *POSTS, page(ListUserPostsRequest, cursor), "cursor") for cursor in BAD_CURSORS),
    *(
        Row("CURSOR_INVALID", INVALID, *FOLLOWERS, page(ListFollowersRequest, cursor), "cursor")
        for cursor in BAD_CURSORS
    ),
    *(
        Row("CURSOR_INVALID", INVALID, *FOLLOWING, page(ListFollowingRequest, cursor), "cursor")
        for cursor in BAD_CURSORS
    ),
)
