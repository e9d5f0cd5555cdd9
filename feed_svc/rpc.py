"""FeedService, and FeedEdgeService for REST: proto to domain and back."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lensfeed.feed.v1 import (
    feed_edge_service_pb2,  # noqa: F401 - it has no messages, but registers its service
    feed_service_pb2,
)
from lensfeed.feed.v1.feed_edge_service_pb2_grpc import FeedEdgeServiceServicer
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceServicer

from feed_svc.presenting.json_page import json_page, not_modified
from feed_svc.presenting.protobuf_page import protobuf_page, with_etag
from feed_svc.reading.get_feed import FeedPage, GetFeed
from meshkit.call import caller_id
from meshkit.etags import compare_etag
from meshkit.paging import clamp_limit

# In the headers, because REST has no trailers.
DEGRADED = (("lensfeed-degraded", "1"),)


class _Answer(NamedTuple):
    """A page, its message, its ETag (empty for a degraded page), and whether it is new to the caller."""

    page: FeedPage
    message: bytes
    etag: str
    is_modified: bool


class FeedRpc(FeedServiceServicer, FeedEdgeServiceServicer):
    """The methods of both services, which differ in the form of their answers."""

    def __init__(
        self,
        get_feed: GetFeed,
        record_views: Callable[[Sequence[bytes]], None],
        json_of: Callable[[Sequence[bytes]], Sequence[bytes]],
    ) -> None:
        self._get_feed = get_feed
        self._record_views = record_views
        self._json_of = json_of

    async def GetFeed(self, request: feed_service_pb2.GetFeedRequest, context: Any) -> Any:  # noqa: N802 - grpc's name
        """Return a page of the caller's feed, or that it is the one the caller knows."""
        answer = await self._read(request, context)
        if not answer.is_modified:
            return feed_service_pb2.GetFeedResponse(etag=answer.etag, not_modified=True)
        return with_etag(answer.message, answer.etag) if answer.etag else answer.message

    async def GetFeedJson(self, request: feed_service_pb2.GetFeedRequest, context: Any) -> Any:  # noqa: N802 - grpc's name
        """Return the same as JSON."""
        answer = await self._read(request, context)
        if not answer.is_modified:
            return not_modified(answer.etag)
        return json_page(answer.page, answer.etag, self._json_of)

    async def _read(self, request: feed_service_pb2.GetFeedRequest, context: Any) -> _Answer:
        """Read a page and send the headers of its answer.

        If items may be missing, its metadata has `lensfeed-degraded: 1`, and it has no ETag.
        """
        page = await self._get_feed(caller_id(), request.cursor, clamp_limit(request.limit))
        message = protobuf_page(page)
        if page.is_degraded:
            await context.send_initial_metadata(DEGRADED)
            self._record_views(page.items)
            return _Answer(page, message, "", is_modified=True)
        # Of the message in both forms, so that they have the same ETag.
        etag, is_modified = await compare_etag(message, request.if_none_match, context)
        if is_modified:
            self._record_views(page.items)
        return _Answer(page, message, etag, is_modified)
