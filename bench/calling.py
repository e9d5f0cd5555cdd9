"""Calls of GetFeed, as the edge forwards them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc
from lensfeed.feed.v1 import feed_service_pb2 as feed_pb2

from bench.http2 import Caller, request

GET_FEED = "/lensfeed.feed.v1.FeedService/GetFeed"
PAGE = 20
MESSAGE = feed_pb2.GetFeedRequest(limit=PAGE).SerializeToString()


def metadata_of(viewer: int) -> list[tuple[str, str]]:
    """Return the metadata that the edge adds to a viewer's call."""
    return [
        ("x-user-id", str(viewer)),
        ("x-session-id", "k5f3q2m7"),
        ("x-request-id", "7f0c2d8e-5d0c-4e0a-9f1e-0c5a2b9d6e31"),
    ]


@contextlib.asynccontextmanager
async def feed_of(address: str) -> AsyncIterator["Pages"]:
    """Open a plain gRPC channel to a feed_svc."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield Pages(channel)


class Pages:
    """Reads first pages of feeds."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call = channel.unary_unary(GET_FEED, None, None)

    async def first(self, viewer: int) -> bytes:
        """Return a viewer's serialized first page. Raises ValueError if an item lacks media or author."""
        page: bytes = await self._call(MESSAGE, metadata=metadata_of(viewer))
        items = feed_pb2.GetFeedResponse.FromString(page).items
        if len(items) != PAGE or not all(item.post.media and item.author.handle for item in items):
            raise ValueError(f"the page of {viewer} has {len(items)} items or incomplete ones")
        return page

    async def etag(self, viewer: int) -> str:
        """Return the ETag of a viewer's first page."""
        return feed_pb2.GetFeedResponse.FromString(await self.first(viewer)).etag

    async def below(self, viewer: int, cursor: str) -> str:
        """Read the page at a cursor (empty: the first). Returns the next cursor."""
        message = feed_pb2.GetFeedRequest(limit=PAGE, cursor=cursor).SerializeToString()
        page: bytes = await self._call(message, metadata=metadata_of(viewer))
        return feed_pb2.GetFeedResponse.FromString(page).next_cursor


async def call_for(
    seconds: float, address: str, viewers: Sequence[int], answer_size: int, *, connections: int, at_once: int
) -> list[float]:
    """Call for some seconds, with `at_once` concurrent calls on each connection. Returns the seconds of each call.

    Raises AnswerError for a response of another size.
    """
    known = [metadata_of(viewer) for viewer in viewers]
    return await call_as(seconds, address, known, answer_size, connections=connections, at_once=at_once)


async def call_as(
    seconds: float,
    address: str,
    known: Sequence[Sequence[tuple[str, str]]],
    answer_size: int,
    *,
    connections: int,
    at_once: int,
    message: bytes = MESSAGE,
) -> list[float]:
    """Do the same with each of the given metadata in turn, and any request."""
    host, _, port = address.rpartition(":")
    requests = [request(GET_FEED, message, [*each, ("grpc-timeout", "10S")]) for each in known]
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: Caller(requests, answer_size, at_once), host, int(port)))[1]
        for _ in range(connections)
    ]
    for caller in callers:
        loop.call_later(seconds, caller.stop)
    await asyncio.gather(*(caller.ended for caller in callers))
    return [each for caller in callers for each in caller.seconds]
