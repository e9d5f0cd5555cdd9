"""Followees are read once for a walk of pages below the cached timeline, and read again when they change."""

from dataclasses import dataclass

from redis.asyncio import Redis

from feed_svc.store.followees import RedisFollowees
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Sizes, World, open_feed


@dataclass
class CountingWorld(World):
    """A world that counts reads of all followees."""

    reads: int = 0

    async def followees(self, viewer: int) -> list[int]:
        """Count."""
        self.reads += 1
        return await super().followees(viewer)


async def test_a_walk_reads_the_followees_once(redis: "Redis", mux: RedisMux) -> None:
    """However many pages it takes, and whichever process serves them."""
    world = CountingWorld(follows={(1, author) for author in range(2, 7)})
    feed, other = (open_feed(world, redis, mux, sizes=Sizes(length=10, slack=0)) for _ in range(2))
    for place in range(1, 101):
        world.post(2 + place % 5, place)
    assert await feed.walk(1, 5) == world.oracle(1)
    assert world.reads == 3, "one to see how many they are, one for the rebuild, and one for the pages below"
    assert await other.walk(1, 5) == world.oracle(1)
    assert world.reads == 3


async def test_a_change_is_seen_by_the_next_page(redis: "Redis", mux: RedisMux) -> None:
    """A follow or unfollow whose event was handled counts in the middle of a walk."""
    world = CountingWorld(follows={(1, 2), (1, 3)})
    feed = open_feed(world, redis, mux, sizes=Sizes(length=10, slack=0))
    for place in range(1, 61):
        world.post(2 + place % 3, place)
    assert await feed.walk(1, 5) == world.oracle(1)
    for change in (world.follows.discard, world.follows.add):
        change((1, 3))
        await feed.apply_follow(1, 3)
        assert await feed.walk(1, 5) == world.oracle(1)


async def test_followees_that_changed_meanwhile_are_not_kept(redis: "Redis", mux: RedisMux) -> None:
    """A reader that read the graph before a change does not store what it read."""
    followees = RedisFollowees(mux)
    assert await followees.get(1) is None
    await followees.forget(1)
    await followees.put(1, [2, 3])
    assert await followees.get(1) is None
    await redis.delete("followees:{1}")
    await followees.put(1, [2, 3])
    assert await followees.get(1) == [2, 3]
    await followees.put(4, [])
    assert await followees.get(4) == []
