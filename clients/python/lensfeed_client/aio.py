"""The asyncio client."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, cast

import grpc
from lensfeed.feed.v1.feed_service_pb2 import EmptyReason, FeedItem, GetFeedRequest
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from lensfeed.follow.v1.follow_service_pb2 import (
    AcceptFollowRequestRequest,
    CreateBlockRequest,
    CreateFollowRequest,
    CreateMuteRequest,
    DeclineFollowRequestRequest,
    DeleteBlockRequest,
    DeleteFollowRequest,
    DeleteMuteRequest,
    Follow,
    ListBlocksRequest,
    ListFollowersRequest,
    ListFollowingRequest,
    ListFollowRequestsRequest,
    ListMutesRequest,
    RemoveFollowerRequest,
    UpdatePrivacyRequest,
)
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub
from lensfeed.follow.v1.visibility_pb2 import ACCOUNT_VISIBILITY_PRIVATE, ACCOUNT_VISIBILITY_PUBLIC
from lensfeed.media.v1.media_pb2 import Media
from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceStub
from lensfeed.post.v1.post_pb2 import Post
from lensfeed.post.v1.post_service_pb2 import (
    CreatePostRequest,
    DeletePostRequest,
    GetPostRequest,
    ListUserPostsRequest,
)
from lensfeed.post.v1.post_service_pb2_grpc import PostServiceStub
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    CreateSessionRequest,
    CreateUserRequest,
    DeleteSessionRequest,
    GetUserByHandleRequest,
    GetUserRequest,
)
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from lensfeed_client.calls import IDEMPOTENCY_KEY, CallingChannel, Metadata, open_channel
from lensfeed_client.errors import LensfeedError
from lensfeed_client.pages import AsyncPages, Page
from lensfeed_client.sessions.connect_to_refresh import connect_to_refresh
from lensfeed_client.sessions.session import MemorySessions, Session, Sessions
from lensfeed_client.sessions.tokens import Refresh, Tokens
from lensfeed_client.uploads.wait_until_ready import wait_until_ready

if TYPE_CHECKING:
    import ssl

    import httpx
    from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceAsyncStub
    from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceAsyncStub
    from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceAsyncStub
    from lensfeed.post.v1.post_service_pb2_grpc import PostServiceAsyncStub
    from lensfeed.user.v1.user_service_pb2_grpc import UserServiceAsyncStub

DEFAULT_SECONDS = 30.0


class AsyncLensfeed:
    """A client for one mesh, with at most one user logged in. Use it in `async with`."""

    users: "UserServiceAsyncStub"
    follows: "FollowServiceAsyncStub"
    posts: "PostServiceAsyncStub"
    media_service: "MediaServiceAsyncStub"
    feeds: "FeedServiceAsyncStub"

    def __init__(
        self,
        url: str,
        *,
        sessions: Sessions | None = None,
        timeout: float = DEFAULT_SECONDS,
        root_certificates: bytes | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._sessions = MemorySessions() if sessions is None else sessions
        self._timeout = timeout
        self._root_certificates = root_certificates
        self._resources = AsyncExitStack()
        self._http: httpx.AsyncClient | None = None
        self._tokens = Tokens(self._sessions, self._url, self._connect_to_refresh)

    @property
    def session(self) -> Session | None:
        """The current session, or None when nobody is logged in."""
        return self._sessions.load(self._url)

    async def __aenter__(self) -> Self:
        channel = await self._resources.enter_async_context(open_channel(self._url, self._root_certificates))
        self._resources.push_async_callback(self._tokens.close)
        # The stubs accept anything that makes methods, but their types require a real channel.
        calls: Any = CallingChannel(channel, self._timeout, self._tokens)
        self.users = cast("UserServiceAsyncStub", UserServiceStub(calls))
        self.follows = cast("FollowServiceAsyncStub", FollowServiceStub(calls))
        self.posts = cast("PostServiceAsyncStub", PostServiceStub(calls))
        self.media_service = cast("MediaServiceAsyncStub", MediaServiceStub(calls))
        self.feeds = cast("FeedServiceAsyncStub", FeedServiceStub(calls))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http = None
        await self._resources.aclose()

    async def sign_up(
        self, handle: str, password: str, display_name: str = "", *, idempotency_key: str | None = None
    ) -> User:
        """Create an account. Call `log_in` afterwards. Repeating a key within 24 hours returns the same account.

        Raises HANDLE_INVALID, PASSWORD_INVALID, HANDLE_TAKEN.
        """
        request = CreateUserRequest(handle=handle, password=password, display_name=display_name)
        return (await self.users.CreateUser(request, metadata=_key(idempotency_key))).user

    async def log_in(self, handle: str, password: str) -> User:
        """Log in, replacing the current session. Raises CREDENTIALS_INVALID."""
        reply = await self.users.CreateSession(CreateSessionRequest(handle=_without_at(handle), password=password))
        await self._tokens.store(reply)
        return reply.user

    async def log_out(self) -> None:
        """End the session on the server and delete it here. Repeatable."""
        if self.session is None:
            return
        try:
            await self.users.DeleteSession(DeleteSessionRequest())
        except LensfeedError as error:
            # The session has already ended.
            if error.code is not grpc.StatusCode.UNAUTHENTICATED:
                raise
        await self._tokens.forget()

    async def whoami(self) -> User:
        """Return the logged-in account. Raises TOKEN_MISSING when nobody is logged in."""
        session = self.session
        if session is None:
            raise LensfeedError(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING", "nobody is logged in")
        return await self.user(session.user_id)

    async def user(self, handle_or_id: str | int) -> User:
        """Return an account by handle (with or without @) or by integer id. Raises USER_NOT_FOUND."""
        if isinstance(handle_or_id, int):
            return (await self.users.GetUser(GetUserRequest(user_id=handle_or_id))).user
        return (await self.users.GetUserByHandle(GetUserByHandleRequest(handle=_without_at(handle_or_id)))).user

    async def follow(self, user_id: int) -> Follow:
        """Follow an account, or ask a private one for it: then the follow's state is FOLLOW_STATE_REQUESTED. Repeatable.

        Raises SELF_FOLLOW, USER_NOT_FOUND, USER_BLOCKED, FOLLOW_LIMIT, FOLLOW_REQUESTS_FULL.
        """
        return (await self.follows.CreateFollow(CreateFollowRequest(followee_id=user_id))).follow

    async def unfollow(self, user_id: int) -> None:
        """Stop following an account, or cancel your request. Repeatable."""
        await self.follows.DeleteFollow(DeleteFollowRequest(followee_id=user_id))

    async def remove_follower(self, user_id: int) -> None:
        """Make an account stop following you. It is not notified. Repeatable."""
        await self.follows.RemoveFollower(RemoveFollowerRequest(follower_id=user_id))

    async def make_private(self) -> None:
        """Show your posts and lists only to your followers, who need your consent from now on. Repeatable."""
        await self.follows.UpdatePrivacy(UpdatePrivacyRequest(visibility=ACCOUNT_VISIBILITY_PRIVATE))

    async def make_public(self) -> None:
        """Show your posts and lists to everybody, and accept all requests. Repeatable."""
        await self.follows.UpdatePrivacy(UpdatePrivacyRequest(visibility=ACCOUNT_VISIBILITY_PUBLIC))

    async def accept_follower(self, user_id: int) -> Follow:
        """Accept an account's request to follow you. Repeatable. Raises REQUEST_NOT_FOUND."""
        request = AcceptFollowRequestRequest(follower_id=user_id)
        return (await self.follows.AcceptFollowRequest(request)).follow

    async def decline_follower(self, user_id: int) -> None:
        """Decline an account's request to follow you. It is not notified. Repeatable."""
        await self.follows.DeclineFollowRequest(DeclineFollowRequestRequest(follower_id=user_id))

    async def mute(self, user_id: int) -> None:
        """Keep the posts of an account that you follow out of your feed. Repeatable. Raises NOT_FOLLOWING."""
        await self.follows.CreateMute(CreateMuteRequest(user_id=user_id))

    async def unmute(self, user_id: int) -> None:
        """Show an account's posts in your feed again. Repeatable."""
        await self.follows.DeleteMute(DeleteMuteRequest(user_id=user_id))

    async def block(self, user_id: int) -> None:
        """Hide yourself and an account from each other, and end your follows. Repeatable.

        Raises SELF_BLOCK, USER_NOT_FOUND, BLOCK_LIMIT.
        """
        await self.follows.CreateBlock(CreateBlockRequest(user_id=user_id))

    async def unblock(self, user_id: int) -> None:
        """Unblock an account. Follows stay ended. Repeatable."""
        await self.follows.DeleteBlock(DeleteBlockRequest(user_id=user_id))

    async def upload(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        content_type: str | None = None,
        alt_text: str = "",
        progress: Callable[[int, int], None] | None = None,
        media_id: str | None = None,
        started: Callable[[str], None] | None = None,
    ) -> Media:
        """Upload a file or bytes and return the medium. All its bytes are stored; it may not be READY yet.

        `started` receives the medium's id before the first byte is sent. `progress` receives the bytes sent and the total; the
        first number never decreases. Pass the id of an interrupted upload as `media_id` to send only the missing parts of the
        same file. Raises TYPE_UNSUPPORTED, SIZE_OUT_OF_RANGE, UPLOADS_PENDING_LIMIT, MEDIA_NOT_FOUND, UPLOAD_EXPIRED, and
        FILE_CHANGED if the file's length has changed.
        """
        # Only programs that upload pay for importing an HTTP client.
        from lensfeed_client.uploads.source import Source
        from lensfeed_client.uploads.upload import Upload

        file = Source(source)
        upload = Upload(self.media_service, await self._storage(), file, progress)
        if media_id is not None:
            return await upload.resume(media_id)
        return await upload.start(content_type or file.content_type(), alt_text, started)

    async def wait_until_ready(
        self,
        media_id: str,
        *,
        timeout: float = 300.0,  # noqa: ASYNC109 - the same signature as the blocking client
    ) -> Media:
        """Wait until a medium is READY and return it.

        Raises the failure's reason if it is rejected, and DEADLINE_EXCEEDED after `timeout` seconds.
        """
        return await wait_until_ready(self.media_service, media_id, timeout)

    async def post(self, media_ids: Sequence[str], caption: str = "", *, idempotency_key: str | None = None) -> Post:
        """Post 1 to 10 of your media. Repeating a key within 24 hours returns the same post."""
        request = CreatePostRequest(media_ids=media_ids, caption=caption)
        return (await self.posts.CreatePost(request, metadata=_key(idempotency_key))).post

    async def get_post(self, post_id: str) -> Post:
        """Return a post. Raises POST_NOT_FOUND."""
        return (await self.posts.GetPost(GetPostRequest(post_id=post_id))).post

    async def delete_post(self, post_id: str) -> None:
        """Delete one of your posts. Repeatable. Raises POST_NOT_FOUND."""
        await self.posts.DeletePost(DeletePostRequest(post_id=post_id))

    def feed(self, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[FeedItem]:
        """Iterate over the home feed, newest first."""

        async def read(cursor: str) -> Page[FeedItem]:
            reply = await self.feeds.GetFeed(GetFeedRequest(cursor=cursor, limit=page_size))
            reason = EmptyReason.Name(reply.empty_reason).removeprefix("EMPTY_REASON_")
            return Page(reply.items, _next(reply), reason if reply.HasField("empty_reason") else "")

        return AsyncPages(read, cursor)

    def user_posts(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[Post]:
        """Iterate over an account's published posts, newest first."""

        async def read(cursor: str) -> Page[Post]:
            request = ListUserPostsRequest(user_id=user_id, cursor=cursor, limit=page_size)
            reply = await self.posts.ListUserPosts(request)
            return Page(reply.posts, _next(reply))

        return AsyncPages(read, cursor)

    def followers(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[User]:
        """Iterate over an account's followers."""

        async def read(cursor: str) -> Page[User]:
            request = ListFollowersRequest(user_id=user_id, cursor=cursor, limit=page_size)
            reply = await self.follows.ListFollowers(request)
            return Page(reply.users, _next(reply))

        return AsyncPages(read, cursor)

    def following(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[User]:
        """Iterate over the accounts that an account follows."""

        async def read(cursor: str) -> Page[User]:
            request = ListFollowingRequest(user_id=user_id, cursor=cursor, limit=page_size)
            reply = await self.follows.ListFollowing(request)
            return Page(reply.users, _next(reply))

        return AsyncPages(read, cursor)

    def mutes(self, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[User]:
        """Iterate over the accounts that you have muted, the latest first."""

        async def read(cursor: str) -> Page[User]:
            reply = await self.follows.ListMutes(ListMutesRequest(cursor=cursor, limit=page_size))
            return Page(reply.users, _next(reply))

        return AsyncPages(read, cursor)

    def blocks(self, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[User]:
        """Iterate over the accounts that you block, the latest first."""

        async def read(cursor: str) -> Page[User]:
            reply = await self.follows.ListBlocks(ListBlocksRequest(cursor=cursor, limit=page_size))
            return Page(reply.users, _next(reply))

        return AsyncPages(read, cursor)

    def follow_requests(self, page_size: int = 20, *, cursor: str | None = None) -> AsyncPages[User]:
        """Iterate over the accounts that ask to follow you, the latest first."""

        async def read(cursor: str) -> Page[User]:
            request = ListFollowRequestsRequest(cursor=cursor, limit=page_size)
            reply = await self.follows.ListFollowRequests(request)
            return Page(reply.users, _next(reply))

        return AsyncPages(read, cursor)

    async def _storage(self) -> "httpx.AsyncClient":
        """Return the HTTP client for uploads, creating it on first use."""
        if self._http is None:
            import httpx

            http = httpx.AsyncClient(timeout=self._timeout, verify=_tls_context())
            self._http = await self._resources.enter_async_context(http)
        return self._http

    def _connect_to_refresh(self) -> AbstractAsyncContextManager[Refresh]:
        return connect_to_refresh(self._url, self._root_certificates, self._timeout)


class _Reply(Protocol):
    """One page, as list methods return it."""

    next_cursor: str

    def HasField(self, name: Literal["next_cursor"], /) -> bool: ...  # noqa: N802 - protobuf's name


@cache
def _tls_context() -> "ssl.SSLContext":
    """Load the trusted certificates once; loading takes about 50 ms."""
    import httpx

    return httpx.create_ssl_context()


def _next(reply: _Reply) -> str | None:
    return reply.next_cursor if reply.HasField("next_cursor") else None


def _key(chosen: str | None) -> Metadata:
    """Return the metadata of a chosen idempotency key. Without one, the call gets a key of its own."""
    return () if chosen is None else ((IDEMPOTENCY_KEY, chosen),)


def _without_at(handle: str) -> str:
    return handle.removeprefix("@")
