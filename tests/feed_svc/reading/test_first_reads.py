"""The first read of an absent timeline is complete. Its duration is printed, not asserted."""

import time

import pytest
from redis.asyncio import Redis

from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from tests.feed_svc.celebrities.test_celebrities import CountingMux, CountingWorld
from tests.feed_svc.world import entries_of, open_feed

pytestmark = pytest.mark.slow

VIEWERS = (1, 2)
FIRST_AUTHOR = 1_000


@pytest.mark.parametrize("followees", [100, 1_000, 5_000])
async def test_a_first_read_is_complete(redis: "Redis", mux: RedisMux, followees: int) -> None:
    """The first reader gets authors' posts from the store, and the second from their cached timelines."""
    counting, world = CountingMux(mux), CountingWorld()
    feed = open_feed(world, redis, counting)
    authors = range(FIRST_AUTHOR, FIRST_AUTHOR + followees)
    world.follows |= {(viewer, author) for viewer in VIEWERS for author in authors}
    # Everybody has posted some times, and some very often.
    for author in authors:
        for step in range(150 if author % 50 == 0 else 10):
            world.post(author, new_id(1_767_225_600_000 + step * 7_919 + author * 31))
    expected = world.oracle(1)[:20]
    for viewer, what in zip(VIEWERS, ("not cached", "cached"), strict=True):
        counting.trips, world.store_calls, began = 0, 0, time.perf_counter()
        page = await feed.get_feed(viewer, "", 20)
        took_ms = (time.perf_counter() - began) * 1_000
        print(  # noqa: T201 - figures to read, not to hold
            f"first read, {followees} followees, authors' timelines {what}:"
            f" {took_ms:.0f} ms, {counting.trips} round trips, {world.store_calls} calls to the store"
        )
        assert entries_of(page) == expected
    # Those who post often are read on below what was cached of them.
    assert world.store_calls < 50
