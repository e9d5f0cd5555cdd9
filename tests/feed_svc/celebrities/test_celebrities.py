"""Celebrities are pulled instead of pushed, cheaply and without losing posts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from feed_svc.celebrities import modes as celebrity_modes
from feed_svc.celebrities.integration import IntegrateChanges
from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.fan_out import remove_post
from feed_svc.model import entry_of
from feed_svc.store.timelines import RedisTimelines
from meshkit.ids import new_id
from meshkit.redis.link import Command
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, Sizes, World, entries_of, open_feed

READERS, STAR, FRIEND = (1, 2, 3), 10, 11
A_DAY_MS = 86_400_000


@dataclass
class CountingMux:
    """A connection that counts its round trips."""

    mux: RedisMux
    trips: int = 0

    @property
    def is_cluster(self) -> bool:
        """Delegate."""
        return self.mux.is_cluster

    async def execute(self, *command: str | bytes | int) -> Any:
        """Count one."""
        self.trips += 1
        return await self.mux.execute(*command)

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Count one."""
        self.trips += 1
        return await self.mux.execute_many(commands)

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Count one."""
        self.trips += 1
        return await self.mux.get_many(keys)

    async def close(self) -> None:
        """Leave it open: the fixture closes it."""


@dataclass
class CountingWorld(World):
    """A world that counts reads of the store and the graph."""

    store_calls: int = 0
    places_read: int = 0
    pages: list[int] = field(default_factory=list)

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> Any:
        """Count."""
        self.store_calls += 1
        found = await super().newest(author_ids, below_place, limit)
        self.places_read += sum(len(each.places) for each in found)
        return found

    async def follower_page(self, author_id: int, token: str) -> Any:
        """Count."""
        self.pages.append(author_id)
        return await super().follower_page(author_id, token)


def celebrity_feed(
    world: World, redis: "Redis", mux: RedisMux, *, grace_ms: int = 0, sizes: Sizes | None = None
) -> Feed:
    """Return a feed where three followers make a celebrity."""
    return open_feed(
        world, redis, mux, celebrity_followers=3, grace_ms=grace_ms, fresh_seconds=0, sizes=sizes or Sizes()
    )


async def publish(feed: Feed, author: int) -> bytes:
    """Publish a post and handle its event."""
    place = new_id()
    feed.world.post(author, place)
    await feed.fan_out(author, place)
    return entry_of(place, author)


async def timelines_of(redis: "Redis") -> dict[int, list[bytes]]:
    """Return the contents of all home timelines."""
    found: dict[int, list[bytes]] = {}
    for reader in (*READERS, 5):
        if members := await redis.lrange(f"timeline:{{{reader}}}", 0, -1):
            found[reader] = [bytes(member) for member in members if isinstance(member, bytes)]
    return found


@pytest.fixture
async def feed(redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed where a star has three followers, who have read their feeds and also follow a friend."""
    feed = celebrity_feed(CountingWorld(), redis, mux)
    feed.world.follows |= {(reader, STAR) for reader in READERS} | {(1, FRIEND)}
    await publish(feed, STAR)
    for reader in READERS:
        await feed.walk(reader, 5)
    return feed


async def test_a_post_of_a_celebrity_writes_to_no_follower(feed: Feed) -> None:
    """A celebrity's post does not even read the followers; a friend's post goes to its follower only."""
    assert isinstance(feed.world, CountingWorld)
    before = await timelines_of(feed.redis)
    assert len(before) == len(READERS)
    feed.world.pages.clear()
    star = await publish(feed, STAR)
    assert await timelines_of(feed.redis) == before
    assert feed.world.pages == []
    friend = await publish(feed, FRIEND)
    assert feed.world.pages == [FRIEND]
    after = await timelines_of(feed.redis)
    assert [key for key in before if after[key] != before[key]] == [1]
    assert set((await feed.walk(1, 5))[:2]) == {friend, star}
    assert (await feed.walk(2, 5))[0] == star


async def test_a_new_celebrity_is_still_pushed_during_the_grace_period(redis: "Redis", mux: RedisMux) -> None:
    """A reader that has not learned of the promotion yet misses nothing."""
    feed = celebrity_feed(World(), redis, mux, grace_ms=A_DAY_MS)
    feed.world.follows |= {(reader, STAR) for reader in READERS}
    await feed.walk(1, 5)
    entry = await publish(feed, STAR)
    assert await feed.celebrities.pulled_for_ms(STAR) is not None
    window = await feed.timelines.read(1, None, 5)
    assert window is not None
    assert (list(window.entries), window.pulled) == ([entry], [])
    assert await feed.walk(1, 5) == [entry]


async def test_a_demoted_celebritys_pulled_posts_are_backfilled(feed: Feed) -> None:
    """The next read of each follower fetches the posts that its timeline never got."""
    await publish(feed, STAR)
    for reader in READERS[:2]:
        feed.world.follows.remove((reader, STAR))
        await feed.apply_follow(reader, STAR)
    await publish(feed, STAR)
    assert await feed.walk(3, 5) == feed.world.oracle(3)
    window = await feed.timelines.read(3, None, 5)
    assert window is not None
    assert (list(window.entries), window.pulled) == (feed.world.oracle(3), [])
    assert await feed.walk(1, 5) == []


async def test_a_new_follower_of_a_celebrity_sees_its_posts_at_once(feed: Feed) -> None:
    """The follow itself makes the celebrity a pulled author, because the timeline already knows the whole log."""
    feed.world.follows.add((5, FRIEND))
    await feed.walk(5, 5)
    feed.world.follows.add((5, STAR))
    await feed.apply_follow(5, STAR)
    entry = await publish(feed, STAR)
    assert (await feed.walk(5, 5))[0] == entry
    feed.world.follows.remove((5, STAR))
    await feed.apply_follow(5, STAR)
    assert await feed.walk(5, 5) == feed.world.oracle(5)


async def test_an_unfollow_during_a_change_of_mode_is_kept(redis: "Redis", mux: RedisMux) -> None:
    """An author unfollowed between the read of the graph and the write of the timeline does not come back."""

    class Late(World):
        async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
            followed = await super().followed_among(viewer, author_ids)
            self.follows.discard((viewer, STAR))
            await late.apply_follow(viewer, STAR)
            return followed

    feed = late = celebrity_feed(Late(), redis, mux)
    feed.world.follows |= {(reader, STAR) for reader in READERS}
    await feed.walk(1, 5)
    await publish(feed, STAR)
    assert await feed.walk(1, 5) == []
    window = await feed.timelines.read(1, None, 5)
    assert window is not None
    assert (window.pulled, window.position.seq) == ([], 1)


async def test_a_cancelled_read_leaves_no_unfollowed_author(redis: "Redis", mux: RedisMux) -> None:
    """A read that is cancelled right after it wrote a change of mode still applies unfollows that came meanwhile."""
    written = asyncio.Event()

    class Late(World):
        async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
            followed = await super().followed_among(viewer, author_ids)
            self.follows.discard((viewer, STAR))
            await late.apply_follow(viewer, STAR)
            return followed

    class Noticing(RedisTimelines):
        async def integrate(self, *args: Any) -> None:
            await super().integrate(*args)
            written.set()
            await asyncio.sleep(0)

    feed = late = celebrity_feed(Late(), redis, mux)
    feed.world.follows |= {(reader, STAR) for reader in READERS}
    await feed.walk(1, 5)
    await publish(feed, STAR)
    timelines = Noticing(mux, ttl_seconds=3_600)
    integrate = IntegrateChanges(timelines, feed.world, feed.world, feed.recent_unfollows, feed.apply_follow)
    modes = CelebrityModes(feed.celebrities, 0)
    await modes.refresh()
    home = await feed.timelines.read(1, None, 5)
    assert home is not None
    read = asyncio.create_task(integrate(1, home.position, modes.due_after(home.position.seq)))
    await written.wait()
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read
    async with asyncio.timeout(10):
        while (found := await feed.timelines.read(1, None, 5)) is None or found.pulled:  # noqa: ASYNC110 - Redis raises no event
            await asyncio.sleep(0.01)


async def test_a_new_follow_during_a_rebuild_is_kept(redis: "Redis", mux: RedisMux) -> None:
    """A rebuild that finds an outdated unfollow at its end keeps the author, because the graph decides."""

    class Returning(World):
        async def followees(self, viewer: int) -> list[int]:
            followees = await super().followees(viewer)
            self.follows.add((viewer, STAR))
            return followees

    feed = celebrity_feed(Returning(), redis, mux)
    feed.world.post(STAR, 5)
    await feed.recent_unfollows.add(1, STAR)
    assert await feed.walk(1, 5) == [entry_of(5, STAR)]


async def test_a_timeline_that_knows_too_little_of_the_log_is_rebuilt(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, mux: RedisMux
) -> None:
    """A process that no longer has the changes since then cannot update the timeline."""
    monkeypatch.setattr(celebrity_modes, "MAX_CHANGES", 1)
    for author in range(20, 24):
        feed.world.follows |= {(reader, author) for reader in READERS}
        for reader in READERS:
            await feed.apply_follow(reader, author)
        await publish(feed, author)
    other = celebrity_feed(feed.world, feed.redis, mux)
    assert await other.walk(1, 5) == feed.world.oracle(1)
    window = await feed.timelines.read(1, None, 5)
    assert window is not None
    assert (window.pulled, window.position.seq) == ([STAR, 20, 21, 22, 23], 5)


async def test_a_celebritys_delete_reaches_the_timelines_that_have_the_post(
    feed: Feed, redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post from before the promotion is in followers' timelines; one from long after it is in none."""
    assert isinstance(feed.world, CountingWorld)
    monkeypatch.setattr(remove_post, "CLOCKS_MS", 0)
    pushed = new_id(1_767_225_600_000)
    await feed.timelines.push(READERS, entry_of(pushed, STAR))
    await asyncio.sleep(0.02)  # the promotion was in an earlier millisecond than what comes now
    pulled = await publish(feed, STAR)
    feed.world.pages.clear()
    await feed.remove_post(STAR, int.from_bytes(pulled[:8]))
    assert feed.world.pages == []
    await feed.remove_post(STAR, pushed)
    assert set(feed.world.pages) == {STAR}
    members = [member for found in (await timelines_of(redis)).values() for member in found]
    assert entry_of(pushed, STAR) not in members


@pytest.mark.parametrize("celebrities", [0, 1, 50])
async def test_a_cached_read_takes_two_round_trips(redis: "Redis", mux: RedisMux, celebrities: int) -> None:
    """However many celebrities a viewer follows, their newest posts are in the process's memory."""
    counting = CountingMux(mux)
    world = CountingWorld()
    feed = open_feed(world, redis, counting, celebrity_followers=3, fresh_seconds=3_600)
    stars = range(100, 100 + celebrities)
    world.follows |= {(reader, star) for reader in READERS for star in stars} | {(1, FRIEND)}
    for star in [*stars, FRIEND] * 2:
        await publish(feed, star)
    pages = [await feed.get_feed(1, "", 20) for _ in range(2)]
    for reader in READERS:
        await feed.get_feed(reader, "", 20)
    counting.trips, world.store_calls = 0, 0
    pages.append(await feed.get_feed(1, "", 20))
    assert (counting.trips, world.store_calls) == (2, 0)
    assert pages[0].items == pages[1].items == pages[2].items
    assert entries_of(pages[2]) == world.oracle(1)[:20]


async def test_pages_above_the_floor_need_no_store(redis: "Redis", mux: RedisMux) -> None:
    """Below the floor, the store is asked for some places of each author: less than a page of each."""
    world = CountingWorld()
    feed = celebrity_feed(world, redis, mux, sizes=Sizes(length=60, author_length=5, build_count=5))
    authors = range(100, 200)
    world.follows |= {(1, author) for author in authors}
    for place in range(1, 21):
        for author in authors:
            world.post(author, place * 1_000 + author)
    page = await feed.get_feed(1, "", 20)
    assert page.next_cursor is not None
    page = await feed.get_feed(1, page.next_cursor, 20)  # it waits for the build
    world.store_calls = 0
    assert page.next_cursor is not None
    page = await feed.get_feed(1, page.next_cursor, 20)
    assert world.store_calls == 0
    world.places_read = 0
    assert page.next_cursor is not None
    page = await feed.get_feed(1, page.next_cursor, 20)
    assert entries_of(page) == world.oracle(1)[60:80]
    assert world.places_read <= 5 * len(authors)
    assert await feed.walk(1, 100) == world.oracle(1)


async def test_a_feed_with_a_prolific_author_is_walked_to_its_end(redis: "Redis", mux: RedisMux) -> None:
    """A walk returns thousands of posts of one author, whether pulled or pushed."""
    world = World()
    feed = celebrity_feed(world, redis, mux)
    world.follows |= {(reader, STAR) for reader in READERS} | {(1, FRIEND), (7, FRIEND)}
    for place in range(1, 3_001):
        world.post(STAR, 2 * place)
        world.post(FRIEND, 3 * place)
    await feed.fan_out(STAR, 6_000)
    for viewer in (1, 2, 7):
        assert await feed.walk(viewer, 100) == world.oracle(viewer)
