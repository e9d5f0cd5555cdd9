"""Clients of a running post_svc, and access to its outbox."""

import time
from collections.abc import Sequence

import grpc
from lensfeed.events.v1 import event_pb2
from lensfeed.post.v1 import (
    post_internal_service_pb2,
    post_internal_service_pb2_grpc,
    post_pb2,
    post_service_pb2,
    post_service_pb2_grpc,
)

from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS, OutboxStore
from meshkit.ids import new_id

# Long enough for a test that starts just before a new minute.
_MINUTES_BACK = 2


class App:
    """Calls the public methods as a user."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub: post_service_pb2_grpc.PostServiceAsyncStub
        self.stub = post_service_pb2_grpc.PostServiceStub(channel)
        self.internal: post_internal_service_pb2_grpc.PostInternalServiceAsyncStub
        self.internal = post_internal_service_pb2_grpc.PostInternalServiceStub(channel)

    async def create(
        self, author_id: int, media_ids: Sequence[str], caption: str = "", key: str | None = None
    ) -> post_pb2.Post:
        """Create a post. Checks that both ids in the answer match."""
        metadata = _metadata(author_id) + (() if key is None else (("idempotency-key", key),))
        request = post_service_pb2.CreatePostRequest(caption=caption, media_ids=media_ids)
        response = await self.stub.CreatePost(request, metadata=metadata)
        assert response.post_id == response.post.post_id
        return response.post

    async def get(self, viewer_id: int, post_id: str) -> post_pb2.Post:
        """Return a post."""
        request = post_service_pb2.GetPostRequest(post_id=post_id)
        return (await self.stub.GetPost(request, metadata=_metadata(viewer_id))).post

    async def delete(self, caller_id: int, post_id: str) -> None:
        """Delete a post."""
        request = post_service_pb2.DeletePostRequest(post_id=post_id)
        await self.stub.DeletePost(request, metadata=_metadata(caller_id))

    async def page(
        self, viewer_id: int, author_id: int, cursor: str = "", limit: int = 0
    ) -> post_service_pb2.ListUserPostsResponse:
        """Return a page of an author's posts."""
        request = post_service_pb2.ListUserPostsRequest(user_id=author_id, cursor=cursor, limit=limit)
        return await self.stub.ListUserPosts(request, metadata=_metadata(viewer_id))

    async def walk(self, viewer_id: int, author_id: int, limit: int = 0) -> list[post_pb2.Post]:
        """Return all posts of an author, page by page."""
        page = await self.page(viewer_id, author_id, limit=limit)
        posts = list(page.posts)
        while page.HasField("next_cursor"):
            page = await self.page(viewer_id, author_id, page.next_cursor, limit)
            assert page.posts, "a page after the first is never empty"
            posts += page.posts
        return posts

    async def used(self, author_id: int, media_ids: Sequence[str]) -> list[str]:
        """Return which media an author's posts use."""
        request = post_internal_service_pb2.FilterUsedMediaRequest(author_id=author_id, media_ids=media_ids)
        return list((await self.internal.FilterUsedMedia(request)).media_ids)


def some_user() -> int:
    """Return a user id for one test."""
    return new_id()


async def published_and_deleted(outbox: OutboxStore, author_id: int) -> tuple[list[int], list[int]]:
    """Return the places of an author's PostPublished and PostDeleted events in the outbox."""
    events = await events_in(outbox)
    published = [each.post_published for each in events if each.WhichOneof("payload") == "post_published"]
    deleted = [each.post_deleted for each in events if each.WhichOneof("payload") == "post_deleted"]
    return (
        [each.place for each in published if each.author_id == author_id],
        [each.place for each in deleted if each.author_id == author_id],
    )


async def events_in(outbox: OutboxStore) -> list[event_pb2.Event]:
    """Return the events of the last minutes, oldest first."""
    this_minute = time.time_ns() // 1_000_000 // MINUTE_MS
    records = [
        record
        for minute in range(this_minute - _MINUTES_BACK, this_minute + 1)
        for shard in range(SHARDS)
        for record in await outbox.read_outbox(minute, shard, BEFORE_ALL, 10_000)
    ]
    records.sort(key=lambda record: record.event_id)
    return [event_pb2.Event.FromString(record.payload) for record in records]


def _metadata(user_id: int) -> tuple[tuple[str, str], ...]:
    return (("x-user-id", str(user_id)),)
