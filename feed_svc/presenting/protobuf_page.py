"""Pages as serialized messages. Items stay bytes: a page is the concatenation of its items."""

from functools import lru_cache

from lensfeed.feed.v1 import feed_service_pb2

from feed_svc.presenting.wire import tag_of, varint
from feed_svc.reading.get_feed import EmptyReason, FeedPage

_PAGE = feed_service_pb2.GetFeedResponse.DESCRIPTOR
_ITEMS_TAG, _CURSOR_TAG, _ETAG_TAG = (tag_of(_PAGE, name) for name in ("items", "next_cursor", "etag"))
REASONS = {
    EmptyReason.FOLLOWS_NOBODY: feed_service_pb2.EMPTY_REASON_FOLLOWS_NOBODY,
    EmptyReason.NO_POSTS_YET: feed_service_pb2.EMPTY_REASON_NO_POSTS_YET,
}


def protobuf_page(page: FeedPage) -> bytes:
    """Return the serialized GetFeedResponse of a page, without its ETag."""
    parts = [part for item in page.items for part in (_head(len(item)), item)]
    if page.next_cursor is not None:
        # What most pages have besides their items. Other messages are left to protobuf.
        parts.append(_text(_CURSOR_TAG, page.next_cursor))
    if page.empty_reason is not None:
        rest = feed_service_pb2.GetFeedResponse(empty_reason=REASONS[page.empty_reason])
        parts.append(rest.SerializeToString())
    return b"".join(parts)


def with_etag(answer: bytes, etag: str) -> bytes:
    """Add an ETag to a serialized page."""
    return answer + _text(_ETAG_TAG, etag)


def _text(tag: bytes, value: str) -> bytes:
    """Return a field, which may be appended to a serialized message."""
    encoded = value.encode()
    return tag + varint(len(encoded)) + encoded


@lru_cache(maxsize=4_096)
def _head(size: int) -> bytes:
    """Return the prefix of an item. Cached, because cards have few sizes and every page has many cards."""
    return _ITEMS_TAG + varint(size)
