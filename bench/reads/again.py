"""Reads of somebody who has the first page already."""

from lensfeed.feed.v1 import feed_service_pb2 as feed_pb2

from bench.calling import PAGE, Pages, metadata_of
from bench.reads.member import Member


async def again_member(feed: Pages, where: str, pid: int, viewer: int) -> Member:
    """Return the server as one whose viewer asks whether there is anything new, and there is not."""
    etag = await feed.etag(viewer)
    message = feed_pb2.GetFeedRequest(limit=PAGE, if_none_match=etag).SerializeToString()
    answer = feed_pb2.GetFeedResponse(etag=etag, not_modified=True).SerializeToString()
    return Member(where, pid, [metadata_of(viewer)], len(answer), message)
