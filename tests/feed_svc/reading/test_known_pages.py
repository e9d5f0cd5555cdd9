"""Pages that the caller already has."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import pytest
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub, add_FeedServiceServicer_to_server
from redis.asyncio import Redis

from feed_svc.model import Entry, entry_of, place_of
from feed_svc.rpc import FeedRpc
from meshkit.errors import UnavailableError
from meshkit.grpc.server import Process, ServerSettings, running
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import World, open_feed

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
    stub: Any
    viewed: list[bytes] = field(default_factory=list)

    async def page(self, known: str = "", cursor: str = "", limit: int = 2) -> feed_service_pb2.GetFeedResponse:
        """Read a page by gRPC."""
        request = feed_service_pb2.GetFeedRequest(cursor=cursor, limit=limit, if_none_match=known)
        response: feed_service_pb2.GetFeedResponse = await self.stub.GetFeed(request, metadata=METADATA)
        return response

    async def headers(self, known: str = "") -> dict[str, str]:
        """Read the first page by REST, as the edge calls, and return the headers of the answer."""
        call = self.stub.GetFeed(feed_service_pb2.GetFeedRequest(), metadata=(*REST, ("if-none-match", known)))
        await call
        return {
            name: str(value) for name, value in await call.initial_metadata() if "lensfeed" in name or name == "etag"
        }


@pytest.fixture
async def served(redis: "Redis", mux: RedisMux) -> AsyncIterator[Served]:
    """Serve a feed."""
    world = Captioned()
    world.follows.add((VIEWER, AUTHOR))
    for place in (1, 2, 3):
        world.post(AUTHOR, place)
    viewed: list[bytes] = []
    rpc = FeedRpc(open_feed(world, redis, mux).get_feed, viewed.extend)
    process = Process("feed_svc", [partial(add_FeedServiceServicer_to_server, rpc)])
    async with running(process, ServerSettings()) as address, grpc.aio.insecure_channel(address) as channel:
        yield Served(world, redis, FeedServiceStub(channel), viewed)


async def test_a_known_page_is_not_repeated(served: Served) -> None:
    """The answer says so instead of repeating the posts, and their media are not viewed again."""
    page = await served.page()
    viewed = len(served.viewed)
    again = await served.page(page.etag)
    assert again == feed_service_pb2.GetFeedResponse(etag=page.etag, not_modified=True)
    assert len(page.items) == viewed == len(served.viewed)
    assert not page.HasField("not_modified")


async def test_each_page_has_its_own_etag(served: Served) -> None:
    """Pages that differ only in what follows differ, too."""
    first = await served.page(limit=2)
    rest = await served.page(cursor=first.next_cursor, limit=2)
    whole = await served.page(limit=3)
    served.world.delete(AUTHOR, 1)
    await served.redis.delete(b"card:" + entry_of(1, AUTHOR))
    end = await served.page(limit=3)
    assert end.items == first.items
    assert len({page.etag for page in (first, rest, whole, end)}) == 4


async def test_an_edit_shows(served: Served) -> None:
    """A card with another content is another answer, even at the same place."""
    page = await served.page()
    served.world.caption = "second"
    await served.redis.flushdb()
    edited = await served.page(page.etag)
    assert [item.post.caption for item in edited.items] == ["second", "second"]
    assert edited.etag != page.etag
    served.world.caption = "first"
    await served.redis.flushdb()
    assert (await served.page(page.etag)).not_modified


async def test_rest_has_headers(served: Served) -> None:
    """The edge gets the ETag and the mark for a 304 as headers; gRPC callers have fields only."""
    etag = (await served.page(limit=0)).etag
    assert etag.startswith('W/"')
    assert await served.headers() == {"etag": etag}
    assert await served.headers(f'"other", {etag}') == {"etag": etag, "lensfeed-not-modified": "1"}
    call = served.stub.GetFeed(feed_service_pb2.GetFeedRequest(), metadata=(*METADATA, ("if-none-match", etag)))
    assert (await call).items
    assert "etag" not in dict(await call.initial_metadata())


async def test_a_degraded_page_has_no_etag(served: Served) -> None:
    """A page that may lack items is never taken for a known one."""
    etag = (await served.page(limit=3)).etag
    await served.redis.delete(b"card:" + entry_of(1, AUTHOR))
    served.world.is_away = True
    page = await served.page(etag, limit=3)
    assert (len(page.items), page.HasField("etag"), page.not_modified) == (2, False, False)
    assert await served.headers(etag) == {"lensfeed-degraded": "1"}
