"""Feeds while a part is down: from the cache without the store, and from the store without the cache."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from feed_svc.model import Entry, Places
from meshkit.errors import UnavailableError
from meshkit.redis.client import open_redis
from meshkit.redis.mux import RedisMux, open_mux
from tests.feed_svc.world import Feed, Sizes, World, entries_of, open_feed

NOWHERE = "redis://127.0.0.1:1/0"


class Wavering(World):
    """A world whose services can go down."""

    is_away = False

    async def followees(self, viewer: int) -> list[int]:
        """Return them, if the graph is there."""
        self._must_be_there()
        return await super().followees(viewer)

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        """Return places, if the store is there."""
        self._must_be_there()
        return await super().newest(author_ids, below_place, limit)

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Make cards, if the store is there."""
        self._must_be_there()
        return await super().make(entries)

    def _must_be_there(self) -> None:
        if self.is_away:
            raise UnavailableError


@pytest.fixture
def world() -> Wavering:
    """Give a world in which 1 follows 2 and 3, who have posted thirty times each."""
    world = Wavering()
    world.follows |= {(1, 2), (1, 3)}
    for place in range(1, 31):
        world.post(2, place)
        world.post(3, place)
    return world


@pytest.fixture
def short(world: Wavering, redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed whose timelines hold ten entries."""
    return open_feed(world, redis, mux, sizes=Sizes(length=10, slack=0, author_length=10, build_count=5))


@pytest.fixture
async def cacheless(world: Wavering) -> AsyncIterator[Feed]:
    """Give a feed whose Redis is not there."""
    async with open_redis(NOWHERE) as redis, open_mux(NOWHERE) as mux:
        yield open_feed(world, redis, mux)


async def test_without_the_store_a_cached_page_is_complete(world: Wavering, short: Feed) -> None:
    """A cached page needs no store, so it is not degraded."""
    before = await short.get_feed(1, "", 5)
    world.is_away = True
    assert await short.get_feed(1, "", 5) == before
    assert not before.is_degraded


async def test_without_the_store_a_page_shows_cached_cards(world: Wavering, short: Feed) -> None:
    """The page ends after its last cached card, and the walk continues there once the store is back."""
    await short.get_feed(1, "", 4)
    world.is_away = True
    page = await short.get_feed(1, "", 8)
    assert entries_of(page) == world.oracle(1)[:4]
    assert page.is_degraded
    assert page.next_cursor is not None
    world.is_away = False
    after = await short.get_feed(1, page.next_cursor, 8)
    assert entries_of(after) == world.oracle(1)[4:12]
    assert not after.is_degraded


async def test_a_feed_does_not_end_at_posts_without_cards(world: Wavering, redis: "Redis", mux: RedisMux) -> None:
    """The last page has a cursor, so that posts without cards appear later. A missing card in the middle is left out."""
    feed = open_feed(world, redis, mux)
    assert await feed.walk(1, 100) == world.oracle(1)
    oracle = world.oracle(1)
    for entry in (oracle[1], oracle[-2], oracle[-1]):
        assert await redis.delete(b"card:" + entry) == 1
    world.is_away = True
    page = await feed.get_feed(1, "", 100)
    assert entries_of(page) == [oracle[0], *oracle[2:-2]]
    assert page.is_degraded
    assert page.next_cursor is not None
    with pytest.raises(UnavailableError):
        await feed.get_feed(1, page.next_cursor, 100)
    world.is_away = False
    rest = await feed.get_feed(1, page.next_cursor, 100)
    assert (entries_of(rest), rest.next_cursor) == (oracle[-2:], None)


async def test_without_the_store_a_page_ends_at_the_floor(world: Wavering, short: Feed) -> None:
    """Entries below the floor are unknown: the page is short, has a cursor and is degraded."""
    await short.get_feed(1, "", 10)
    world.is_away = True
    page = await short.get_feed(1, "", 20)
    assert entries_of(page) == world.oracle(1)[:10]
    assert page.is_degraded
    assert page.next_cursor is not None
    world.is_away = False
    assert entries_of(await short.get_feed(1, page.next_cursor, 20)) == world.oracle(1)[10:30]


@pytest.mark.parametrize("cursor_at", [0, 10])
async def test_without_cached_entries_a_read_fails(world: Wavering, short: Feed, cursor_at: int) -> None:
    """An absent timeline, or a page below it, raises the outage instead of returning an empty page."""
    cursor = ""
    if cursor_at:
        cursor = (await short.get_feed(1, "", cursor_at)).next_cursor or ""
    world.is_away = True
    with pytest.raises(UnavailableError):
        await short.get_feed(1 if cursor else 77, cursor, 5)


async def test_without_cached_cards_a_read_fails(world: Wavering, short: Feed) -> None:
    """Entries without cards are not enough for a page."""
    await short.get_feed(1, "", 5)
    for key in await short.redis.keys("card:*"):
        await short.redis.delete(key)
    world.is_away = True
    with pytest.raises(UnavailableError):
        await short.get_feed(1, "", 5)


async def test_without_the_store_celebrities_are_read_from_the_cache(
    world: Wavering, redis: "Redis", mux: RedisMux
) -> None:
    """Celebrities are pulled from their cached timelines as far as these go."""
    feed = open_feed(world, redis, mux, celebrity_followers=1, grace_ms=0, fresh_seconds=0)
    for place in (31, 32):
        world.post(2, place)
        await feed.fan_out(2, place)
    await feed.get_feed(1, "", 10)
    world.is_away = True
    page = await feed.get_feed(1, "", 10)
    assert entries_of(page) == world.oracle(1)[:10]


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_without_redis_feeds_come_from_the_store_and_are_exact(
    world: Wavering, cacheless: Feed, limit: int
) -> None:
    """A walk equals the oracle, and no page is degraded."""
    assert await cacheless.walk(1, limit) == world.oracle(1)
    assert not (await cacheless.get_feed(1, "", 10)).is_degraded


async def test_a_walk_continues_when_redis_goes_down(world: Wavering, short: Feed, cacheless: Feed) -> None:
    """A cursor means the same with and without the cache."""
    first = await short.get_feed(1, "", 7)
    assert first.next_cursor is not None
    second = await cacheless.get_feed(1, first.next_cursor, 100)
    assert entries_of(first) + entries_of(second) == world.oracle(1)


async def test_without_redis_and_the_store_a_read_fails(world: Wavering, cacheless: Feed) -> None:
    """There is nothing to show."""
    world.is_away = True
    with pytest.raises(RedisConnectionError):
        await cacheless.get_feed(1, "", 5)


async def test_without_redis_the_empty_reason_is_known(cacheless: Feed) -> None:
    """FOLLOWS_NOBODY comes from the store."""
    page = await cacheless.get_feed(50, "", 5)
    assert page.items == []
    assert page.empty_reason is not None


async def test_a_full_redis_counts_as_an_outage(world: Wavering, redis: "Redis", mux: RedisMux) -> None:
    """If Redis accepts no writes, the feed comes from the store and is complete."""
    feed = open_feed(world, redis, mux)
    where: Any = {"target_nodes": "primaries"} if mux.is_cluster else {}
    await redis.config_set("maxmemory", "1", **where)
    try:
        assert await feed.walk(1, 20) == world.oracle(1)
        assert await redis.exists("timeline:{1}") == 0
    finally:
        await redis.config_set("maxmemory", "0", **where)
    assert await feed.walk(1, 20) == world.oracle(1)
    assert await redis.exists("timeline:{1}") == 1
