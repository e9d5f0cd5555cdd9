"""A muted author's posts leave the home feed, and come back when they are unmuted."""

import pytest
from redis.asyncio import Redis

from feed_svc.fan_out.chunks import FollowerPage
from feed_svc.model import entry_of
from feed_svc.reading.get_feed import EmptyReason
from meshkit.redis.mux import RedisMux
from tests.feed_svc.drift.test_drift import sampler
from tests.feed_svc.world import Feed, Sizes, World, open_feed

SMALL = Sizes(length=10, slack=0)


@pytest.fixture
async def read_feed(redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed that 1 has read, longer than its timeline, with posts of 2 and 3, and of 4, a celebrity."""
    feed = open_feed(World(), redis, mux, sizes=SMALL, celebrity_followers=3, grace_ms=0, fresh_seconds=0)
    feed.world.follows |= {(1, 2), (1, 3), (1, 4), (8, 4), (9, 4)}
    for place in range(1, 61):
        author = 2 + place % 3
        feed.world.post(author, place)
        await feed.fan_out(author, place)
    assert await feed.walk(1, 7) == feed.world.oracle(1)
    return feed


@pytest.mark.parametrize("author", [2, 3, 4])
async def test_a_mute_empties_and_an_unmute_fills(read_feed: Feed, author: int) -> None:
    """All pages follow a mute and an unmute of a pushed author or a celebrity, whether or not the timeline is cached."""
    for change in (read_feed.world.mutes.add, read_feed.world.mutes.discard):
        change((1, author))
        for _ in range(2):  # the second event is a repeat
            await read_feed.apply_follow(1, author)
            assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)
        assert (await sampler(read_feed)(1)).diverging == 0
        read_feed.world.post(author, 100 + len(read_feed.world.posts[author]))
        await read_feed.fan_out(author, max(read_feed.world.posts[author]))
        assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)
        await read_feed.redis.flushdb()
        assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)


async def test_late_events_change_nothing(read_feed: Feed) -> None:
    """The event of a mute that has ended, and that of an unmute of who is muted again, do not decide."""
    await read_feed.apply_follow(1, 2)
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)
    read_feed.world.mute(1, 2)
    for _ in range(3):
        await read_feed.apply_follow(1, 2)
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)


async def test_a_follow_that_comes_again_is_unmuted(read_feed: Feed) -> None:
    """Unfollowing and following somebody who was muted brings their posts back."""
    read_feed.world.mute(1, 2)
    await read_feed.apply_follow(1, 2)
    read_feed.world.end(1, 2)
    await read_feed.apply_follow(1, 2)
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)
    read_feed.world.follows.add((1, 2))
    await read_feed.apply_follow(1, 2)
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)


async def test_who_mutes_everybody_follows_somebody(feed: Feed) -> None:
    """An empty feed of who has muted everybody says that there are no posts, not that nobody is followed."""
    feed.world.post(2, 1)
    assert (await feed.get_feed(1, "", 5)).empty_reason is EmptyReason.FOLLOWS_NOBODY
    feed.world.follows.add((1, 2))
    feed.world.mute(1, 2)
    await feed.apply_follow(1, 2)
    assert (await feed.get_feed(1, "", 5)).empty_reason is EmptyReason.NO_POSTS_YET


async def test_a_mute_during_a_fan_out_leaves_no_ghost(read_feed: Feed, mux: RedisMux) -> None:
    """A fan-out that read its followers before a mute and pushes after it leaves no entry."""
    read_feed.world.post(2, 100)
    page = await read_feed.world.follower_page(2, "")
    assert page.viewers == [1]
    read_feed.world.mute(1, 2)
    await read_feed.apply_follow(1, 2)

    class Stale(World):
        async def follower_page(self, author_id: int, token: str) -> FollowerPage:  # noqa: ARG002 - the port's names
            return page

    world = read_feed.world
    stale = Stale(follows=world.follows, mutes=world.mutes, posts=world.posts)
    await open_feed(stale, read_feed.redis, mux).fan_out(2, 100)
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)


async def test_a_fan_out_passes_over_pages_of_muters(feed: Feed) -> None:
    """Followers after whole pages of those who muted the author get the post."""
    feed.world.follows |= {(viewer, 9) for viewer in range(1, 8)}
    for viewer in range(1, 8):
        await feed.walk(viewer, 5)
    for viewer in range(1, 7):
        feed.world.mute(viewer, 9)
        await feed.apply_follow(viewer, 9)
    feed.world.post(9, 5)
    await feed.fan_out(9, 5)
    for viewer in range(1, 8):
        assert await feed.walk(viewer, 5) == feed.world.oracle(viewer)
    assert feed.world.oracle(7) == [entry_of(5, 9)]


async def test_drift_finds_a_mute_whose_event_is_lost(read_feed: Feed) -> None:
    """The entries of a muted author are ghosts, and the next read rebuilds the timeline without them."""
    read_feed.world.mute(1, 2)
    drift = await sampler(read_feed)(1)
    assert drift.ghosts
    assert not drift.missing
    await read_feed.redis.delete("followees:{1}")  # it expires within a minute
    assert await read_feed.walk(1, 7) == read_feed.world.oracle(1)
