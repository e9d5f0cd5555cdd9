"""A served feed of three posts, and ways to read it."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.feed.v1.feed_edge_service_pb2_grpc import FeedEdgeServiceStub, add_FeedEdgeServiceServicer_to_server
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub, add_FeedServiceServicer_to_server
from redis.asyncio import Redis

from feed_svc.model import Entry, place_of
from feed_svc.presenting.json_cards import JsonCards
from feed_svc.rpc import FeedRpc
from meshkit.errors import UnavailableError
from meshkit.grpc.server import Process, ServerSettings, running
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, World, open_feed

VIEWER, AUTHOR = 1, 2
METADATA = (("x-user-id", str(VIEWER)),)
REST = (*METADATA, ("x-lensfeed-rest", "1"))


class Captioned(World):
    """A world whose cards have a caption that can change, and whose services can go down."""

    caption = "first"
    is_away = False

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Make real cards, if the services are there."""
        if self.is_away:
            raise UnavailableError
        made = await super().make(entries)
        return {entry: self._card(entry) for entry in made}

    def _card(self, entry: Entry) -> bytes:
        item = feed_service_pb2.FeedItem()
        item.post.post_id, item.post.caption = str(place_of(entry)), self.caption
        return item.SerializeToString()


@dataclass
class Served:
    """A served feed of three posts."""

    world: Captioned
    redis: "Redis"
    feed: Feed
    stub: Any
    for_edge: Any
    viewed: list[bytes] = field(default_factory=list)

    async def page(self, known: str = "", cursor: str = "", limit: int = 2) -> feed_service_pb2.GetFeedResponse:
        """Read a page by gRPC."""
        request = feed_service_pb2.GetFeedRequest(cursor=cursor, limit=limit, if_none_match=known)
        response: feed_service_pb2.GetFeedResponse = await self.stub.GetFeed(request, metadata=METADATA)
        return response

    async def json(self, known: str = "", limit: int = 2) -> HttpBody:
        """Read the first page as the edge does for REST."""
        request = feed_service_pb2.GetFeedRequest(limit=limit)
        response: HttpBody = await self.for_edge.GetFeedJson(request, metadata=(*REST, ("if-none-match", known)))
        return response

    async def headers(self, known: str = "") -> dict[str, str]:
        """Read the first page by REST, as the edge calls, and return the headers of the answer."""
        request = feed_service_pb2.GetFeedRequest()
        call = self.for_edge.GetFeedJson(request, metadata=(*REST, ("if-none-match", known)))
        await call
        return {
            name: str(value) for name, value in await call.initial_metadata() if "lensfeed" in name or name == "etag"
        }


@contextlib.asynccontextmanager
async def serving(redis: "Redis", mux: RedisMux, *, card_memory: int = 0) -> AsyncIterator[Served]:
    """Serve a feed of three posts to its viewer."""
    world = Captioned()
    world.follows.add((VIEWER, AUTHOR))
    for place in (1, 2, 3):
        world.post(AUTHOR, place)
    viewed: list[bytes] = []
    feed = open_feed(world, redis, mux, card_memory=card_memory)
    rpc = FeedRpc(feed.get_feed, viewed.extend, JsonCards(1024 * 1024))
    registrations = [
        partial(add_FeedServiceServicer_to_server, rpc),
        partial(add_FeedEdgeServiceServicer_to_server, rpc),
    ]
    process = Process("feed_svc", registrations)
    async with running(process, ServerSettings()) as address, grpc.aio.insecure_channel(address) as channel:
        yield Served(world, redis, feed, FeedServiceStub(channel), FeedEdgeServiceStub(channel), viewed)
