"""FeedService: proto to domain and back. Items stay bytes: a page is the concatenation of its items."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceServicer

from feed_svc.reading.get_feed import EmptyReason, FeedPage, GetFeed
from meshkit.call import caller_id
from meshkit.etags import etag_of, is_known, send_etag
from meshkit.paging import clamp_limit


def _tag_of(name: str) -> bytes:
    """Return the tag of a length-delimited field (https://protobuf.dev/programming-guides/encoding/#structure)."""
    return bytes([feed_service_pb2.GetFeedResponse.DESCRIPTOR.fields_by_name[name].number << 3 | 2])


_ITEMS_TAG, _CURSOR_TAG, _ETAG_TAG = _tag_of("items"), _tag_of("next_cursor"), _tag_of("etag")
# In the headers, because REST has no trailers.
DEGRADED = (("lensfeed-degraded", "1"),)
_REASONS = {
    EmptyReason.FOLLOWS_NOBODY: feed_service_pb2.EMPTY_REASON_FOLLOWS_NOBODY,
    EmptyReason.NO_POSTS_YET: feed_service_pb2.EMPTY_REASON_NO_POSTS_YET,
}


class FeedRpc(FeedServiceServicer):
    """The public methods."""

    def __init__(self, get_feed: GetFeed, record_views: Callable[[Sequence[bytes]], None]) -> None:
        self._get_feed = get_feed
        self._record_views = record_views

    async def GetFeed(self, request: feed_service_pb2.GetFeedRequest, context: Any) -> Any:  # noqa: N802 - grpc's name
        """Return a page of the caller's feed, or that it is the one the caller knows.

        If items may be missing, its metadata has `lensfeed-degraded: 1`, and it has no ETag.
        """
        page = await self._get_feed(caller_id(), request.cursor, clamp_limit(request.limit))
        answer = present(page)
        if page.is_degraded:
            await context.send_initial_metadata(DEGRADED)
            self._record_views(page.items)
            return answer
        etag = etag_of(answer)
        is_modified = not is_known(etag, request.if_none_match)
        await send_etag(context, etag, is_modified=is_modified)
        if not is_modified:
            return feed_service_pb2.GetFeedResponse(etag=etag, not_modified=True)
        self._record_views(page.items)
        return answer + _text(_ETAG_TAG, etag)


def present(page: FeedPage) -> bytes:
    """Return the serialized GetFeedResponse of a page."""
    parts = [part for item in page.items for part in (_head(len(item)), item)]
    if page.next_cursor is not None:
        # What most pages have besides their items. Other messages are left to protobuf.
        parts.append(_text(_CURSOR_TAG, page.next_cursor))
    if page.empty_reason is not None:
        rest = feed_service_pb2.GetFeedResponse(empty_reason=_REASONS[page.empty_reason])
        parts.append(rest.SerializeToString())
    return b"".join(parts)


def _text(tag: bytes, value: str) -> bytes:
    """Return a field, which may be appended to a serialized message."""
    encoded = value.encode()
    return tag + _varint(len(encoded)) + encoded


@lru_cache(maxsize=4_096)
def _head(size: int) -> bytes:
    """Return the prefix of an item. Cached, because cards have few sizes and every page has many cards."""
    return _ITEMS_TAG + _varint(size)


def _varint(number: int) -> bytes:
    """Return a base-128 varint (https://protobuf.dev/programming-guides/encoding/#varints)."""
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
