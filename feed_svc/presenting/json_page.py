"""Pages as JSON in a `google.api.HttpBody`, which the edge sends to apps as it is."""

from collections.abc import Callable, Sequence

from google.api.httpbody_pb2 import HttpBody
from lensfeed.feed.v1 import feed_service_pb2

from feed_svc.presenting.json_printer import printer_of
from feed_svc.presenting.protobuf_page import REASONS
from feed_svc.presenting.wire import tag_of, varint
from feed_svc.reading.get_feed import FeedPage

_show = printer_of(feed_service_pb2.GetFeedResponse.DESCRIPTOR)
_NO_ITEMS = '{"items":['
_BODY_HEAD: bytes = HttpBody(content_type="application/json").SerializeToString()
_DATA_TAG = tag_of(HttpBody.DESCRIPTOR, "data")


def json_page(page: FeedPage, etag: str, json_of: Callable[[Sequence[bytes]], Sequence[bytes]]) -> bytes:
    """Return the serialized HttpBody of a page. An empty `etag` is left out."""
    rest = _show(_without_items(page, etag)).removeprefix(_NO_ITEMS)
    return _http_body(b"%b%b%b" % (_NO_ITEMS.encode(), b",".join(json_of(page.items)), rest.encode()))


def not_modified(etag: str) -> bytes:
    """Return the serialized HttpBody of an answer that the caller has. The edge makes it a 304 without a body."""
    return _http_body(_show(feed_service_pb2.GetFeedResponse(etag=etag, not_modified=True)).encode())


def _without_items(page: FeedPage, etag: str) -> feed_service_pb2.GetFeedResponse:
    return feed_service_pb2.GetFeedResponse(
        next_cursor=page.next_cursor,
        empty_reason=None if page.empty_reason is None else REASONS[page.empty_reason],
        etag=etag or None,
    )


def _http_body(body: bytes) -> bytes:
    return b"".join((_BODY_HEAD, _DATA_TAG, varint(len(body)), body))
