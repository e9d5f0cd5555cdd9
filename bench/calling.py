"""Calls of GetFeed, in the shape in which the edge forwards them."""

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
    """Return what the edge adds to a viewer's call."""
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
    """First pages."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call = channel.unary_unary(GET_FEED, None, None)

    async def first(self, viewer: int) -> bytes:
        """Return a viewer's serialized first page. Raises ValueError where it is not a whole one, with pictures and authors."""
        page: bytes = await self._call(MESSAGE, metadata=metadata_of(viewer))
        items = feed_pb2.GetFeedResponse.FromString(page).items
        if len(items) != PAGE or not all(item.post.media and item.author.handle for item in items):
            raise ValueError(f"the page of {viewer} has {len(items)} items, or some that are not complete")
        return page


async def call_for(
    seconds: float, address: str, viewers: Sequence[int], answer_size: int, *, connections: int, at_once: int
) -> list[float]:
    """Call for some seconds, over connections with `at_once` calls under way on each; returns each call's seconds.

    Raises AnswerError for an answer of another size.
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
) -> list[float]:
    """Do the same in turn as whoever is made known by some metadata."""
    host, _, port = address.rpartition(":")
    requests = [request(GET_FEED, MESSAGE, [*each, ("grpc-timeout", "10S")]) for each in known]
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: Caller(requests, answer_size, at_once), host, int(port)))[1]
        for _ in range(connections)
    ]
    for caller in callers:
        loop.call_later(seconds, caller.stop)
    await asyncio.gather(*(caller.ended for caller in callers))
    return [each for caller in callers for each in caller.seconds]
