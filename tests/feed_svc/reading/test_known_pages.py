"""Pages that the caller already has."""

from collections.abc import AsyncIterator

import pytest
from lensfeed.feed.v1 import feed_service_pb2
from redis.asyncio import Redis

from feed_svc.model import entry_of
from meshkit.redis.mux import RedisMux
from tests.feed_svc.served import AUTHOR, METADATA, Served, serving


@pytest.fixture
async def served(redis: "Redis", mux: RedisMux) -> AsyncIterator[Served]:
    """Serve a feed."""
    async with serving(redis, mux) as served:
        yield served


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
