"""The client for programs that wait."""

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, cast

from lensfeed.feed.v1.feed_service_pb2 import FeedItem
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub
from lensfeed.media.v1.media_pb2 import Media
from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceStub
from lensfeed.post.v1.post_pb2 import Post
from lensfeed.post.v1.post_service_pb2_grpc import PostServiceStub
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from lensfeed_client.aio import DEFAULT_SECONDS, AsyncLensfeed
from lensfeed_client.loop import Loop, Waiting
from lensfeed_client.pages import Pages
from lensfeed_client.sessions import Session, Sessions


class Lensfeed:
    """One mesh, as one person or nobody; use it in `with`. Threads may share it."""

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
        """Who is logged in here, as the sessions have it now; None for nobody."""
        return self._aio.session

    def __enter__(self) -> Self:
        self._loop.start()
        try:
            self._loop.run(self._aio.__aenter__())
        except BaseException:
            self._loop.stop()
            raise
        # As for the asynchronous ones, the types want a whole channel.
        self.users = cast("UserServiceStub", Waiting(self._aio.users, self._loop.run))
        self.follows = cast("FollowServiceStub", Waiting(self._aio.follows, self._loop.run))
        self.posts = cast("PostServiceStub", Waiting(self._aio.posts, self._loop.run))
        self.media_service = cast("MediaServiceStub", Waiting(self._aio.media_service, self._loop.run))
        self.feeds = cast("FeedServiceStub", Waiting(self._aio.feeds, self._loop.run))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.run(self._aio.__aexit__(kind, error, trace))
        finally:
            self._loop.stop()

    def sign_up(self, handle: str, password: str, display_name: str = "") -> User:
        """Make an account; log in with `log_in`. Raises HANDLE_INVALID, PASSWORD_INVALID, HANDLE_TAKEN."""
        return self._loop.run(self._aio.sign_up(handle, password, display_name))

    def log_in(self, handle: str, password: str) -> User:
        """Log in, in the place of whoever was logged in here. Raises CREDENTIALS_INVALID."""
        return self._loop.run(self._aio.log_in(handle, password))

    def log_out(self) -> None:
        """End the session, at the mesh and here. Repeatable."""
        self._loop.run(self._aio.log_out())

    def whoami(self) -> User:
        """Return the account that is logged in. Raises TOKEN_MISSING where nobody is."""
        return self._loop.run(self._aio.whoami())

    def user(self, handle_or_id: str | int) -> User:
        """Return an account by its handle, with or without an @, or by its id as an int. Raises USER_NOT_FOUND."""
        return self._loop.run(self._aio.user(handle_or_id))

    def follow(self, user_id: int) -> None:
        """Follow an account. Repeatable. Raises SELF_FOLLOW, USER_NOT_FOUND, FOLLOW_LIMIT."""
        self._loop.run(self._aio.follow(user_id))

    def unfollow(self, user_id: int) -> None:
        """Follow an account no longer. Repeatable."""
        self._loop.run(self._aio.unfollow(user_id))

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
        """Upload a file, or bytes; the medium as far as it is, at least uploaded whole.

        `started` is told the medium's id before the first byte goes, `progress` the bytes sent and those of the whole file, never
        fewer than before. With the id of an upload that ended early as `media_id`, only what is missing of the same file is sent.
        Raises TYPE_UNSUPPORTED, SIZE_OUT_OF_RANGE, MEDIA_NOT_FOUND, UPLOAD_EXPIRED, and FILE_CHANGED where the file is not
        as long as it was.
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
        """Wait until a medium is READY; the medium.

        Raises the failure's reason where it is rejected, and DEADLINE_EXCEEDED after `timeout` seconds.
        """
        return self._loop.run(self._aio.wait_until_ready(media_id, timeout=timeout))

    def post(self, media_ids: Sequence[str], caption: str = "", *, idempotency_key: str | None = None) -> Post:
        """Post 1 to 10 media of one's own. The same key within a day is the same post, however often it is sent."""
        return self._loop.run(self._aio.post(media_ids, caption, idempotency_key=idempotency_key))

    def get_post(self, post_id: str) -> Post:
        """Return a post. Raises POST_NOT_FOUND."""
        return self._loop.run(self._aio.get_post(post_id))

    def delete_post(self, post_id: str) -> None:
        """Delete a post of one's own. Repeatable. Raises POST_NOT_FOUND."""
        self._loop.run(self._aio.delete_post(post_id))

    def feed(self, page_size: int = 20, *, cursor: str | None = None) -> Pages[FeedItem]:
        """Go through one's home feed, newest first."""
        return Pages(self._aio.feed(page_size, cursor=cursor), self._loop.run)

    def user_posts(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[Post]:
        """Go through an account's published posts, newest first."""
        return Pages(self._aio.user_posts(user_id, page_size, cursor=cursor), self._loop.run)

    def followers(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Go through who follows an account."""
        return Pages(self._aio.followers(user_id, page_size, cursor=cursor), self._loop.run)

    def following(self, user_id: int, page_size: int = 20, *, cursor: str | None = None) -> Pages[User]:
        """Go through whom an account follows."""
        return Pages(self._aio.following(user_id, page_size, cursor=cursor), self._loop.run)
