"""Pages of absent timelines come before their builds, which run behind them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from feed_svc.model import entry_of
from feed_svc.reading import rebuild_timeline
from feed_svc.store.timelines import key_of
from meshkit.ids import first_id
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, World, entries_of, open_feed

pytestmark = pytest.mark.slow

VIEWERS = range(1, 5)
AUTHORS = range(1_000, 1_120)
POSTS_EACH = 8
LIMIT = 5
BUILD_COUNT = 20
FIRST = first_id(1_767_225_600_000)
LIMIT_SECONDS = 30.0


@dataclass
class GatedStore(World):
    """A world whose store answers builds, which read many posts of each author, only while the gate is open."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    built: list[int] = field(default_factory=list)
    is_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    delay: float = 0.0

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> Any:
        """Wait at the gate if the read is a build's."""
        if limit < BUILD_COUNT:
            await asyncio.sleep(self.delay)
        else:
            self.is_waiting.set()
            await self.gate.wait()
            self.built += author_ids
        return await super().newest(author_ids, below_place, limit)


def gated_world() -> GatedStore:
    """Return a world where some viewers follow so many that their pages come before the build."""
    world = GatedStore()
    world.follows |= {(viewer, author) for viewer in VIEWERS for author in AUTHORS}
    for number, author in enumerate(AUTHORS):
        for turn in range(POSTS_EACH):
            world.post(author, FIRST + turn * len(AUTHORS) + number)
    return world


async def until_live(feed: Feed, viewer: int) -> None:
    """Wait until a timeline is live."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while await feed.timelines.whole(viewer) is None:  # noqa: ASYNC110 - Redis raises no event
            await asyncio.sleep(0.01)


async def test_a_first_page_comes_before_its_build(redis: "Redis", mux: RedisMux) -> None:
    """The first page is exact while the build waits, and the next pages continue it once the timeline is live."""
    world = gated_world()
    feed = open_feed(world, redis, mux)
    page = await feed.get_feed(1, "", LIMIT)
    assert entries_of(page) == world.oracle(1)[:LIMIT]
    assert await feed.timelines.whole(1) is None
    world.gate.set()
    shown, cursor = entries_of(page), page.next_cursor
    while cursor:
        page = await feed.get_feed(1, cursor, 100)
        shown, cursor = shown + entries_of(page), page.next_cursor
    assert shown == world.oracle(1)
    assert await feed.timelines.whole(1) is not None


async def test_a_build_behind_a_page_needs_no_further_read(redis: "Redis", mux: RedisMux) -> None:
    """The timeline becomes live although nobody reads again, with each author built once."""
    world = gated_world()
    world.gate.set()
    feed = open_feed(world, redis, mux)
    await feed.get_feed(1, "", LIMIT)
    await until_live(feed, 1)
    assert sorted(world.built) == list(AUTHORS)
    assert await feed.walk(1, 50) == world.oracle(1)


async def test_posts_during_a_build_behind_a_page_are_shown(redis: "Redis", mux: RedisMux) -> None:
    """A post, a deletion, a follow and an unfollow between the page and the end of its build are in the timeline."""
    world = gated_world()
    world.post(2_000, FIRST - 5)
    feed = open_feed(world, redis, mux)
    page = await feed.get_feed(1, "", LIMIT)
    await asyncio.wait_for(world.is_waiting.wait(), LIMIT_SECONDS)
    world.post(AUTHORS[0], FIRST + 100_000)
    await feed.fan_out(AUTHORS[0], FIRST + 100_000)
    gone = world.oracle(1)[3]
    world.delete(int.from_bytes(gone[8:]), int.from_bytes(gone[:8]))
    await feed.remove_post(int.from_bytes(gone[8:]), int.from_bytes(gone[:8]))
    world.follows ^= {(1, AUTHORS[5]), (1, 2_000)}
    unfollow = asyncio.create_task(feed.apply_follow(1, AUTHORS[5]))
    world.gate.set()
    await feed.apply_follow(1, 2_000)
    await unfollow
    await until_live(feed, 1)
    assert entry_of(FIRST + 100_000, AUTHORS[0]) not in entries_of(page)
    assert await feed.walk(1, 50) == world.oracle(1)


async def test_concurrent_readers_build_once(redis: "Redis", mux: RedisMux) -> None:
    """Of the readers of two processes, each gets the same page, and each author is built once."""
    world = gated_world()
    world.gate.set()
    feeds = [open_feed(world, redis, mux) for _ in range(2)]
    pages = await asyncio.gather(*(feed.get_feed(1, "", LIMIT) for feed in feeds for _ in range(3)))
    assert [entries_of(page) for page in pages] == [world.oracle(1)[:LIMIT]] * 6
    await until_live(feeds[0], 1)
    assert sorted(world.built) == list(AUTHORS)
    for feed in feeds:
        await feed.reader.close()


async def test_readers_wait_when_too_many_builds_run(
    redis: "Redis", mux: RedisMux, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a process has as many builds as it runs behind pages, a reader waits for its own build."""
    monkeypatch.setattr(rebuild_timeline, "MAX_BEHIND", 1)
    world = gated_world()
    feed = open_feed(world, redis, mux)
    await feed.get_feed(1, "", LIMIT)
    waiting = asyncio.create_task(feed.get_feed(2, "", LIMIT))
    await asyncio.wait_for(world.is_waiting.wait(), LIMIT_SECONDS)
    assert not waiting.done()
    world.gate.set()
    assert entries_of(await waiting) == world.oracle(2)[:LIMIT]
    assert await feed.timelines.whole(2) is not None


async def test_a_reader_that_leaves_queues_no_build(
    redis: "Redis", mux: RedisMux, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that gives up before its build has begun leaves no build behind."""
    monkeypatch.setattr(rebuild_timeline, "MAX_BEHIND", 0)
    monkeypatch.setattr(rebuild_timeline, "MAX_REBUILDS", 1)
    world = gated_world()
    feed = open_feed(world, redis, mux)
    readers = {viewer: asyncio.create_task(feed.get_feed(viewer, "", LIMIT)) for viewer in VIEWERS}
    await asyncio.wait_for(world.is_waiting.wait(), LIMIT_SECONDS)
    [builder] = [viewer for viewer in VIEWERS if await redis.exists(key_of(viewer))]  # any of them may be the first
    first = readers.pop(builder)
    for other in readers.values():
        other.cancel()
    await asyncio.gather(*readers.values(), return_exceptions=True)
    world.gate.set()
    await first
    last = max(readers)
    await feed.get_feed(last, "", LIMIT)  # its turn comes after all that wait
    assert {viewer for viewer in VIEWERS if await feed.timelines.whole(viewer) is not None} == {builder, last}


async def test_a_slow_page_waits_for_the_build(redis: "Redis", mux: RedisMux) -> None:
    """If the newest posts take too long, the page comes from the timeline that was built meanwhile."""
    world = gated_world()
    world.gate.set()
    world.delay = 3600.0
    feed = open_feed(world, redis, mux, unbuilt_seconds=0.05)
    page = await feed.get_feed(1, "", LIMIT)
    assert entries_of(page) == world.oracle(1)[:LIMIT]
    assert await feed.timelines.whole(1) is not None


async def test_a_stopped_process_starts_no_build(redis: "Redis", mux: RedisMux) -> None:
    """A process that stops gives up builds behind pages, and the next process builds the timeline."""
    world = gated_world()
    feed = open_feed(world, redis, mux)
    await feed.get_feed(1, "", LIMIT)
    await asyncio.wait_for(world.is_waiting.wait(), LIMIT_SECONDS)
    await feed.reader.close()
    assert await feed.timelines.whole(1) is None
    world.gate.set()
    other = open_feed(world, redis, mux)
    assert await other.walk(1, 50) == world.oracle(1)
