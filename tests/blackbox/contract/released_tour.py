"""Tour a mesh with a release's stubs, as an app built with it would: `released_tour.py ADDRESS PHOTO`.

This is a separate process because a process can have only one `lensfeed` package. The caller puts the release's generated code
on the path and nothing from this repository. The tour calls each method of the release and prints the results as JSON.
"""

import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
import httpx
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest, GetFeedResponse
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from lensfeed.follow.v1 import follow_service_pb2 as follow
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub
from lensfeed.media.v1 import media_service_pb2 as media
from lensfeed.media.v1.media_pb2 import MEDIA_STATE_READY, Media
from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceStub
from lensfeed.post.v1 import post_service_pb2 as post
from lensfeed.post.v1.post_pb2 import POST_STATE_PUBLISHED, Post
from lensfeed.post.v1.post_service_pb2_grpc import PostServiceStub
from lensfeed.user.v1 import user_service_pb2 as user
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

PASSWORD = "correct horse battery"
CAPTION = "From an older app"
TIMEOUT_SECONDS = 120.0
Value = TypeVar("Value")


class Calls(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # it is generic in its stubs alone
    """Authenticates calls and records their methods."""

    def __init__(self, token: str = "") -> None:
        self.metadata = [("authorization", f"Bearer {token}")] if token else []
        self.methods: set[str] = set()

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Call with the token."""
        self.methods.add(details.method)
        return continuation(details._replace(metadata=[*(details.metadata or ()), *self.metadata]), request)


class App:
    """An app on someone's phone: their account, a refreshed session, and the stubs."""

    def __init__(self, channel: grpc.Channel, name: str) -> None:
        handle = f"{name}.{uuid.uuid4().hex[:8]}"
        stranger = Calls()
        users = UserServiceStub(grpc.intercept_channel(channel, stranger))
        users.CreateUser(user.CreateUserRequest(handle=handle, display_name=name, password=PASSWORD))
        session = users.CreateSession(user.CreateSessionRequest(handle=handle, password=PASSWORD))
        renewed = users.RefreshSession(user.RefreshSessionRequest(refresh_token=session.refresh_token))
        self.user = renewed.user
        self.calls = Calls(renewed.access_token)
        self.calls.methods |= stranger.methods
        known = grpc.intercept_channel(channel, self.calls)
        self.users, self.follows, self.media = UserServiceStub(known), FollowServiceStub(known), MediaServiceStub(known)
        self.posts, self.feeds = PostServiceStub(known), FeedServiceStub(known)

    def upload(self, photo: bytes) -> Media:
        """Upload a photo and wait until it is READY."""
        started = self.media.StartUpload(media.StartUploadRequest(content_type="image/jpeg", size_bytes=len(photo)))
        sent = []
        for part in started.parts:
            start = (part.number - 1) * started.part_size_bytes
            put = httpx.put(part.url, content=photo[start : start + part.size_bytes], headers=dict(part.headers))
            sent.append(media.CompletedPart(number=part.number, etag=put.raise_for_status().headers["etag"]))
        self.media.CompleteUpload(media.CompleteUploadRequest(media_id=started.media_id, parts=sent))
        wanted = media.GetMediaRequest(media_id=started.media_id)
        return eventually(lambda: self.media.GetMedia(wanted).media, lambda seen: seen.state == MEDIA_STATE_READY)

    def post(self, photo: Media) -> Post:
        """Post a photo twice with one key and return the one published post."""
        wish = post.CreatePostRequest(caption=CAPTION, media_ids=[photo.media_id])
        key = (("idempotency-key", uuid.uuid4().hex),)
        [post_id] = {self.posts.CreatePost(wish, metadata=key).post_id for _ in range(2)}
        wanted = post.GetPostRequest(post_id=post_id)
        return eventually(lambda: self.posts.GetPost(wanted).post, lambda seen: seen.state == POST_STATE_PUBLISHED)

    def feed(self, is_wanted: Callable[[GetFeedResponse], bool]) -> GetFeedResponse:
        """Read the feed until it is as wanted."""
        return eventually(lambda: self.feeds.GetFeed(GetFeedRequest(limit=5)), is_wanted)


def eventually(look: Callable[[], Value], wanted: Callable[[Value], bool]) -> Value:
    """Poll until the value is as wanted and return it. Exits with the last value."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not wanted(seen := look()):
        if time.monotonic() > end:
            sys.exit(f"the last value was {seen!r}")
        time.sleep(0.05)
    return seen


def answer_of(call: Callable[[], object]) -> str:
    """Return OK, or the code and reason of a refused call."""
    try:
        call()
    except grpc.RpcError as refused:
        [status] = [each.value for each in refused.trailing_metadata() if each.key == "grpc-status-details-bin"]
        info = ErrorInfo()
        Status.FromString(status).details[0].Unpack(info)
        return f"{refused.code().name} {info.reason}"
    return "OK"


def walk(channel: grpc.Channel, photo: bytes) -> dict[str, Any]:
    """Call all methods and return the results."""
    author, reader = App(channel, "author"), App(channel, "reader")
    named = author.users.UpdateUser(user.UpdateUserRequest(bio="From afar")).user
    by_handle = reader.users.GetUserByHandle(user.GetUserByHandleRequest(handle=author.user.handle)).user
    by_id = reader.users.GetUser(user.GetUserRequest(user_id=author.user.user_id)).user
    reader.follows.CreateFollow(follow.CreateFollowRequest(followee_id=author.user.user_id))
    relationship = reader.follows.GetRelationship(follow.GetRelationshipRequest(user_id=author.user.user_id))
    followers = reader.follows.ListFollowers(follow.ListFollowersRequest(user_id=author.user.user_id)).users
    following = reader.follows.ListFollowing(follow.ListFollowingRequest(user_id=reader.user.user_id)).users
    posted = author.post(author.upload(photo))
    own = reader.posts.ListUserPosts(post.ListUserPostsRequest(user_id=author.user.user_id)).posts
    [item] = reader.feed(lambda page: bool(page.items)).items
    author.posts.DeletePost(post.DeletePostRequest(post_id=posted.post_id))
    emptied = reader.feed(lambda page: not page.items)
    reader.follows.DeleteFollow(follow.DeleteFollowRequest(followee_id=author.user.user_id))
    reader.users.DeleteSession(user.DeleteSessionRequest())
    return {
        "same user": named == by_handle == by_id == item.author,
        "bio": named.bio,
        "following": relationship.following,
        "followers": [each.handle for each in followers] == [reader.user.handle],
        "followees": [each.handle for each in following] == [author.user.handle],
        "own posts": [each.post_id for each in own] == [posted.post_id],
        "caption in the feed": item.post.caption,
        "post in the feed": item.post.post_id == posted.post_id,
        "picture in the feed": [len(each.renditions) > 0 for each in item.post.media],
        "more to come": [emptied.HasField("next_cursor"), len(emptied.items)],
        "deleted": answer_of(lambda: author.posts.GetPost(post.GetPostRequest(post_id=posted.post_id))),
        "no caption": answer_of(lambda: author.posts.CreatePost(post.CreatePostRequest())),
        "methods": sorted(author.calls.methods | reader.calls.methods),
    }


def main() -> None:
    """Take the tour, and print the results and the origin of the generated code."""
    address, photo = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        seen = walk(channel, Path(photo).read_bytes())
    modules = {name: module for name, module in sys.modules.items() if name.startswith("lensfeed.") and module.__file__}
    seen["generated"] = sorted({str(module.__file__).partition("lensfeed/")[0] for module in modules.values()})
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
