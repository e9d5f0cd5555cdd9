"""The feed, read in each protocol."""

from collections.abc import Awaitable, Callable

from lensfeed.feed.v1 import feed_service_pb2

from tests.edge_proxy.conftest import Edge
from tests.protocols import Headers, Outcome, grpc_call, grpc_web_call, rest_outcome

FEED_PATH = "/lensfeed.feed.v1.FeedService/GetFeed"


async def rest_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by REST."""
    return rest_outcome(await edge.http.get("/feed", headers=headers))


async def grpc_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC."""
    return await grpc_call(edge, FEED_PATH, feed_service_pb2.GetFeedRequest(), headers)


async def grpc_web_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC-Web."""
    return await grpc_web_call(edge, FEED_PATH, feed_service_pb2.GetFeedRequest(), headers)


ReadFeed = Callable[[Edge, Headers], Awaitable[Outcome]]
ALL: tuple[ReadFeed, ...] = (rest_feed, grpc_feed, grpc_web_feed)
