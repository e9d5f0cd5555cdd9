"""Walks equal the oracle, whatever happens meanwhile."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest
from redis.asyncio import Redis

from feed_svc.fan_out.chunks import Change, FollowerPage, PostChange
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.model import Entry, author_of, entry_of, place_of
from feed_svc.store.cards import ABSENT_TTL_SECONDS
from feed_svc.store.recent_unfollows import RedisRecentUnfollows
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, Sizes, World, entries_of, open_feed


async def test_a_walk_continues_below_the_timeline_to_the_end(redis: "Redis", mux: RedisMux) -> None:
    """Below the timeline, the walk continues from the store without a gap."""
    feed = open_feed(World(), redis, mux, sizes=Sizes(length=10))
    feed.world.follows |= {(1, 2), (1, 3)}
    for place in range(1, 120):
        feed.world.post(2, place)
        feed.world.post(3, place)
    assert await feed.walk(1, 7) == feed.world.oracle(1)
    assert await feed.walk(1, 100) == feed.world.oracle(1)


async def test_a_walk_during_changes_returns_each_old_post_once(redis: "Redis", mux: RedisMux) -> None:
    """Posts that exist from the beginning to the end of a walk appear exactly once."""
    feed = open_feed(World(), redis, mux, sizes=Sizes(length=20))
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201 - to repeat a failure
    chance = random.Random(seed)
    feed.world.follows |= {(1, author) for author in range(2, 6)}
    for place in range(1, 100):
        feed.world.post(chance.randint(2, 5), place)
    before = set(feed.world.oracle(1))
    await feed.get_feed(1, "", 20)

    async def meddle() -> None:
        for place in range(100, 200):
            author = chance.randint(2, 5)
            feed.world.post(author, place)
            await feed.fan_out(author, place)
            if victims := sorted(feed.world.posts[author]):
                victim = chance.choice(victims)
                feed.world.delete(author, victim)
                await feed.remove_post(author, victim)
            feed.world.follows.add((1, 6))
            await feed.apply_follow(1, 6)

    meddler = asyncio.create_task(meddle())
    shown = await feed.walk(1, 3)
    await meddler
    stayed = before & set(feed.world.oracle(1))
    assert len(shown) == len(set(shown))
    assert stayed <= set(shown)
    assert shown == sorted(shown, reverse=True)


async def test_a_cursor_survives_its_post_and_the_cache(feed: Feed) -> None:
    """The next page is the same after the cursor's post was deleted and the cache lost."""
    feed.world.follows.add((1, 2))
    for place in range(1, 30):
        feed.world.post(2, place)
    first = await feed.get_feed(1, "", 5)
    assert first.next_cursor is not None
    second = await feed.get_feed(1, first.next_cursor, 5)
    feed.world.delete(2, 25)
    await feed.remove_post(2, 25)
    assert await feed.get_feed(1, first.next_cursor, 5) == second
    await feed.redis.flushdb()
    assert await feed.get_feed(1, first.next_cursor, 5) == second


async def test_an_unfollow_during_a_fan_out_leaves_no_ghost(feed: Feed, mux: RedisMux) -> None:
    """A fan-out that read its followers before an unfollow and pushes after it leaves no entry."""
    feed.world.follows |= {(1, 2), (1, 3)}
    feed.world.post(3, 5)
    await feed.walk(1, 5)
    feed.world.post(2, 9)
    page = await feed.world.follower_page(2, "")
    feed.world.follows.remove((1, 2))
    await feed.apply_follow(1, 2)

    class Stale(World):
        async def follower_page(self, author_id: int, token: str) -> FollowerPage:  # noqa: ARG002 - the port's names
            return page

    await open_feed(Stale(), feed.redis, mux).fan_out(2, 9)
    assert await feed.walk(1, 5) == [entry_of(5, 3)]


async def test_a_new_follow_during_a_fan_out_keeps_the_post(feed: Feed) -> None:
    """A follower who unfollows and follows again during a fan-out keeps the post."""
    feed.world.follows.add((1, 2))
    await feed.walk(1, 5)
    await feed.recent_unfollows.add(1, 2)

    class Late(RedisRecentUnfollows):
        async def unfollowers_of(self, author_id: int) -> set[int]:
            left = await super().unfollowers_of(author_id)
            await feed.apply_follow(1, 2)
            return left

    push_to_followers = PushToFollowers(
        feed.world, feed.timelines, Late(feed.redis), feed.apply_follow, feed.chunks, lambda *_: None
    )
    feed.world.post(2, 9)
    await push_to_followers(PostChange(2, 9, Change.PUSH))
    assert await feed.walk(1, 5) == [entry_of(9, 2)]


async def test_deleted_posts_in_a_timeline_are_not_shown(feed: Feed) -> None:
    """A ghost has no card: neither the cache nor the store makes one."""
    feed.world.follows.add((1, 2))
    for place in range(1, 9):
        feed.world.post(2, place)
    await feed.walk(1, 3)
    for place in (8, 7, 6):
        feed.world.delete(2, place)
        await feed.cards.mark_gone(entry_of(place, 2))
    page = await feed.get_feed(1, "", 3)
    assert [place_of(entry) for entry in entries_of(page)] == [5, 4, 3]
    assert {author_of(entry) for entry in entries_of(page)} == {2}


async def test_a_post_that_is_gone_is_asked_for_once(redis: "Redis", mux: RedisMux) -> None:
    """A ghost in a timeline does not cost a call to post_svc for each read."""
    asked: list[Entry] = []

    class Counting(World):
        async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
            asked.extend(entries)
            return await super().make(entries)

    world = Counting(follows={(1, 2)})
    feed = open_feed(world, redis, mux)
    for place in (5, 6, 7):
        world.post(2, place)
    await feed.get_feed(1, "", 10)
    ghost = entry_of(9, 2)
    await feed.timelines.push([1], ghost)
    for _ in range(3):
        page = await feed.get_feed(1, "", 10)
        assert entries_of(page) == world.oracle(1)
    assert asked.count(ghost) == 1
    assert 0 < await redis.ttl(b"card:" + ghost) <= ABSENT_TTL_SECONDS


async def test_a_cached_page_makes_no_card(feed: Feed) -> None:
    """The second read finds all cards in the cache."""
    feed.world.follows.add((1, 2))
    for place in range(1, 9):
        feed.world.post(2, place)
    await feed.get_feed(1, "", 5)
    made = feed.world.made
    await feed.get_feed(1, "", 5)
    assert made == 5
    assert feed.world.made == made


async def test_concurrent_readers_share_a_rebuild(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """No reader gets an empty or partial page while the timeline is being built."""
    feed.world.follows.add((1, 2))
    for place in range(1, 9):
        feed.world.post(2, place)
    reads = 0
    read = feed.world.followees

    async def counted(viewer: int) -> list[int]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.05)
        return await read(viewer)

    monkeypatch.setattr(feed.world, "followees", counted)
    pages = await asyncio.gather(*(feed.get_feed(1, "", 20) for _ in range(10)))
    assert reads == 2, "one to see how many they are, and one for the rebuild"
    assert all(len(page.items) == 8 for page in pages)
