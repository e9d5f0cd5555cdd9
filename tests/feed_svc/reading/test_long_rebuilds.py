"""Rebuilds that take longer than their readers wait keep what they have read, and end."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from redis.asyncio import Redis

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.model import LOWEST, Entry, LogPosition, Window, entry_of
from feed_svc.reading.author_posts import AuthorPosts
from feed_svc.reading.rebuild_timeline import RebuildTimeline
from feed_svc.store import builds
from feed_svc.store.timelines import RedisTimelines
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, Sizes, World, entries_of, open_feed

pytestmark = pytest.mark.slow

VIEWER, AUTHORS = 1, range(1_000, 3_000)
LIMIT_SECONDS = 30.0


@dataclass
class SlowStore(World):
    """A world whose store reads authors one after another, as fast as a loaded store does."""

    seconds_per_author: float = 0.0005
    read: list[int] = field(default_factory=list)

    async def newest(self, author_ids: Any, below_place: int | None, limit: int) -> Any:
        """Take as long as there are authors."""
        await asyncio.sleep(len(author_ids) * self.seconds_per_author)
        self.read += author_ids
        return await super().newest(author_ids, below_place, limit)


def slow_world(authors: Iterable[int] = AUTHORS, seconds_per_author: float = 0.0005) -> SlowStore:
    """Return a world where one viewer follows very many."""
    world = SlowStore(seconds_per_author=seconds_per_author)
    now = time.time_ns() // 1_000_000
    for author in authors:
        world.follows.add((VIEWER, author))
        world.post(author, new_id(now - author))
    return world


async def is_live(feed: Feed) -> bool:
    """Tell whether the viewer's timeline is live."""
    return await feed.timelines.whole(VIEWER) is not None


async def test_a_timeline_is_live_after_impatient_readers(redis: "Redis", mux: RedisMux) -> None:
    """A rebuild outlives the readers that give up, runs once, and reads each author once."""
    world = slow_world()
    feed = open_feed(world, redis, mux)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await feed.get_feed(VIEWER, "", 20)
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await is_live(feed):  # noqa: ASYNC110 - Redis raises no event
            await asyncio.sleep(0.02)
    assert len(world.read) < 1.2 * len(AUTHORS)
    page = await feed.get_feed(VIEWER, "", 20)
    assert entries_of(page) == world.oracle(VIEWER)[:20]


async def test_a_reader_waits_for_a_rebuild_that_gets_on(redis: "Redis", mux: RedisMux) -> None:
    """A rebuild that takes longer than a hung part is allowed to is not repeated from the store."""
    # Five batches of 0.8 s, so that the whole takes longer than `seconds`, and one far less, also on a busy machine.
    authors, seconds = range(1_000, 5_000), 3.0
    world = slow_world(authors, 0.004)
    # No page is read before the build: the reader waits for it from the start.
    feed = open_feed(world, redis, mux, sizes=Sizes(few=len(authors)), seconds=seconds)
    begun = time.monotonic()
    page = await feed.get_feed(VIEWER, "", 20)
    assert entries_of(page) == world.oracle(VIEWER)[:20]
    assert len(world.read) < 1.2 * len(authors)
    assert time.monotonic() - begun > seconds  # otherwise it waited for nothing


async def test_a_stopped_rebuild_keeps_its_batches(redis: "Redis", mux: RedisMux) -> None:
    """What a process has read when it stops stays in the cache, and the next one reads the rest."""
    world = slow_world()
    timelines, rebuild = await _rebuild(world, redis, mux)
    waiting = asyncio.create_task(rebuild(VIEWER))
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(world.read) < len(AUTHORS) / 2:  # noqa: ASYNC110 - the store raises no event
            await asyncio.sleep(0.01)
    await rebuild.close()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await timelines.whole(VIEWER) is None
    _, again = await _rebuild(world, redis, mux)
    await again(VIEWER)
    assert await timelines.whole(VIEWER) is not None
    assert len(world.read) < 1.5 * len(AUTHORS)


async def test_the_progress_of_rebuilds_is_measured(redis: "Redis", mux: RedisMux) -> None:
    """The metric says how many authors are left; 0 when no rebuild runs."""
    reader = InMemoryMetricReader()
    world = slow_world()
    _, rebuild = await _rebuild(world, redis, mux)
    rebuild.progress.show(MeterProvider([reader]).get_meter("test"))
    waiting = asyncio.create_task(rebuild(VIEWER))
    seen = set()
    while not waiting.done():
        seen.add(_measured(reader))
        await asyncio.sleep(0.01)
    await waiting
    assert max(seen) == len(AUTHORS)
    assert len(seen) > 2
    assert _measured(reader) == 0


async def test_a_long_build_is_not_taken_over(redis: "Redis", mux: RedisMux, monkeypatch: pytest.MonkeyPatch) -> None:
    """A builder that renews its token keeps its build; one that was taken over finishes nothing."""
    timelines, position = RedisTimelines(mux, ttl_seconds=1_000), LogPosition(b"some log", 0)
    token = await timelines.begin_build(VIEWER, position, 0)
    assert token
    monkeypatch.setattr(builds, "BUILD_LEASE_MS", 30)
    await asyncio.sleep(0.05)
    renewed = await timelines.renew_build(VIEWER, token)
    assert await timelines.begin_build(VIEWER, position, 0) is None
    await asyncio.sleep(0.05)
    other = await timelines.begin_build(VIEWER, position, 0)
    assert other
    void = await timelines.renew_build(VIEWER, renewed)
    found: list[Entry] = [entry_of(5, 3)]
    await timelines.finish_build(VIEWER, void, Window(found, LOWEST), [])
    assert await timelines.whole(VIEWER) is None
    await timelines.finish_build(VIEWER, other, Window(found, LOWEST), [])
    assert await timelines.whole(VIEWER) is not None


async def _rebuild(world: World, redis: "Redis", mux: RedisMux) -> tuple[RedisTimelines, RebuildTimeline]:
    feed = open_feed(world, redis, mux)
    modes = CelebrityModes(feed.celebrities, 600_000)
    await modes.refresh()
    posts = AuthorPosts(feed.authors, world)
    rebuild = RebuildTimeline(feed.timelines, modes, world, posts, feed.recent_unfollows, feed.apply_follow, batch=200)
    return feed.timelines, rebuild


def _measured(reader: InMemoryMetricReader) -> int:
    data: Any = reader.get_metrics_data()
    if data is None:
        return 0
    [metric] = data.resource_metrics[0].scope_metrics[0].metrics
    return int(metric.data.data_points[0].value)
