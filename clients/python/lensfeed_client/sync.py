"""The blocking client."""

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, cast

from lensfeed.feed.v1.feed_service_pb2 import FeedItem
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from lensfeed.follow.v1.follow_service_pb2 import Follow
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub
from lensfeed.media.v1.media_pb2 import Media
from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceStub
from lensfeed.post.v1.post_pb2 import Post
from lensfeed.post.v1.post_service_pb2_grpc import PostServiceStub
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from lensfeed_client.aio import DEFAULT_SECONDS, AsyncLensfeed
from lensfeed_client.loop import BlockingStub, Loop
from lensfeed_client.pages import Pages
from lensfeed_client.sessions.session import Session, Sessions


class Lensfeed:
    """A client for one mesh, with at most one user logged in. Use it in `with`. Threads may share it."""

    users: UserServiceStub
    follows: FollowServiceStub
    posts: PostServiceStub
    media_service: MediaServiceStub
    feeds: FeedServiceStub

    def __init__(
        self,
        url: str,
        *,
        sessions: Sessions | None = None,
        timeout: float = DEFAULT_SECONDS,
        root_certificates: bytes | None = None,
    ) -> None:
        self._aio = AsyncLensfeed(url, sessions=sessions, timeout=timeout, root_certificates=root_certificates)
        self._loop = Loop()

    @property
    def session(self) -> Session | None:
        """The current session, or None when nobody is logged in."""
        return self._aio.session

    def __enter__(self) -> Self:
        self._loop.start()
        try:
            self._loop.run(self._aio.__aenter__())
        except BaseException:
            self._loop.stop()
            raise
        # As in AsyncLensfeed, the stubs' types require a real channel.
        self.users = cast("UserServiceStub", BlockingStub(self._aio.users, self._loop.run))
        self.follows = cast("FollowServiceStub", BlockingStub(self._aio.follows, self._loop.run))
        self.posts = cast("PostServiceStub", BlockingStub(self._aio.posts, self._loop.run))
        self.media_service = cast("MediaServiceStub", BlockingStub(self._aio.media_service, self._loop.run))
        self.feeds = cast("FeedServiceStub", BlockingStub(self._aio.feeds, self._loop.run))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.run(self._aio.__aexit__(kind, error, trace))
        finally:
            self._loop.stop()

    def sign_up(
        self, handle: str, password: str, display_name: str = "", *, idempotency_key: str | None = None
    ) -> User:
        """Create an account. Call `log_in` afterwards. Repeating a key within 24 hours returns the same account.

        Raises HANDLE_INVALID, PASSWORD_INVALID, HANDLE_TAKEN.
        """
        return self._loop.run(self._aio.sign_up(handle, password, display_name, idempotency_key=idempotency_key))

    def log_in(self, handle: str, password: str) -> User:
        """Log in, replacing the current session. Raises CREDENTIALS_INVALID."""
        return self._loop.run(self._aio.log_in(handle, password))

    def log_out(self) -> None:
        """End the session on the server and delete it here. Repeatable."""
        self._loop.run(self._aio.log_out())

    def whoami(self) -> User:
        """Return the logged-in account. Raises TOKEN_MISSING when nobody is logged in."""
        return self._loop.run(self._aio.whoami())

    def user(self, handle_or_id: str | int) -> User:
        """Return an account by handle (with or without @) or by integer id. Raises USER_NOT_FOUND."""
        return self._loop.run(self._aio.user(handle_or_id))

    def follow(self, user_id: int) -> Follow:
        """Follow an account, or ask a private one for it: then the follow's state is FOLLOW_STATE_REQUESTED. Repeatable.

        Raises SELF_FOLLOW, USER_NOT_FOUND, USER_BLOCKED, FOLLOW_LIMIT, FOLLOW_REQUESTS_FULL.
        """
        return self._loop.run(self._aio.follow(user_id))

    def unfollow(self, user_id: int) -> None:
        """Stop following an account, or cancel your request. Repeatable."""
        self._loop.run(self._aio.unfollow(user_id))

    def remove_follower(self, user_id: int) -> None:
        """Make an account stop following you. It is not notified. Repeatable."""
        self._loop.run(self._aio.remove_follower(user_id))

    def make_private(self) -> None:
        """Show your posts and lists only to your followers, who need your consent from now on. Repeatable."""
        self._loop.run(self._aio.make_private())

    def make_public(self) -> None:
        """Show your posts and lists to everybody, and accept all requests. Repeatable."""
        self._loop.run(self._aio.make_public())

    def accept_follower(self, user_id: int) -> Follow:
        """Accept an account's request to follow you. Repeatable. Raises REQUEST_NOT_FOUND."""
        return self._loop.run(self._aio.accept_follower(user_id))

    def decline_follower(self, user_id: int) -> None:
        """Decline an account's request to follow you. It is not notified. Repeatable."""
        self._loop.run(self._aio.decline_follower(user_id))

    def mute(self, user_id: int) -> None:
        """Keep the posts of an account that you follow out of your feed. Repeatable. Raises NOT_FOLLOWING."""
        self._loop.run(self._aio.mute(user_id))

    def unmute(self, user_id: int) -> None:
        """Show an account's posts in your feed again. Repeatable."""
        self._loop.run(self._aio.unmute(user_id))

    def block(self, user_id: int) -> None:
        """Hide yourself and an account from each other, and end your follows. Repeatable.

        Raises SELF_BLOCK, USER_NOT_FOUND, BLOCK_LIMIT.
        """
        self._loop.run(self._aio.block(user_id))

    def unblock(self, user_id: int) -> None:
        """Unblock an account. Follows stay ended. Repeatable."""
        self._loop.run(self._aio.unblock(user_id))

    def upload(
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
        return self._loop.run(
            self._aio.upload(
                source,
                content_type=content_type,
                alt_text=alt_text,
                progress=progress,
                media_id=media_id,
                started=started,
            )
        )

    def wait_until_ready(self, media_id: str, *, timeout: float = 300.0) -> Media:
        """Wait until a medium is READY and return it.

        Raises the failure's reason if it is rejected, and DEADLINE_EXCEEDED after `timeout` seconds.
        """
        return self._loop.run(self._aio.wait_until_ready(media_id, timeout=timeout))

    def post(self, media_ids: Sequence[str], caption: str = "", *, idempotency_key: str | None = None) -> Post:
        """Post 1 to 10 of your media. Repeating a key within 24 hours returns the same post."""
        return self._loop.run(self._aio.post(media_ids, caption, idempotency_key=idempotency_key))

    def get_post(self, post_id: str) -> Post:
        """Return a post. Raises POST_NOT_FOUND."""
        return self._loop.run(self._aio.get_post(post_id))

    def delete_post(self, post_id: str) -> None:
        """Delete one of your posts. Repeatable. Raises POST_NOT_FOUND."""
        self._loop.run(self._aio.delete_post(post_id))

    def feed(self, page_size: int = 20, *, cursor: str | None = None) -> Pages[FeedItem]:
        """Iterate over the home feed, newest first."""
        return Pages(self._aio.feed(page_size, cursor=cursor), self._loop.run)

    def user_posts(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[Post]:
        """Iterate over an account's published posts, newest first."""
        return Pages(self._aio.user_posts(user_id, page_size, cursor=cursor), self._loop.run)

    def followers(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Iterate over an account's followers."""
        return Pages(self._aio.followers(user_id, page_size, cursor=cursor), self._loop.run)

    def following(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Iterate over the accounts that an account follows."""
        return Pages(self._aio.following(user_id, page_size, cursor=cursor), self._loop.run)

    def mutes(self, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Iterate over the accounts that you have muted, the latest first."""
        return Pages(self._aio.mutes(page_size, cursor=cursor), self._loop.run)

    def blocks(self, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Iterate over the accounts that you block, the latest first."""
        return Pages(self._aio.blocks(page_size, cursor=cursor), self._loop.run)

    def follow_requests(self, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Iterate over the accounts that ask to follow you, the latest first."""
        return Pages(self._aio.follow_requests(page_size, cursor=cursor), self._loop.run)
