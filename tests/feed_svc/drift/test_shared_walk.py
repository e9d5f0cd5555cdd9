"""Samplers of several workers share one walk through the timelines."""

import asyncio

import pytest
from redis.asyncio import Redis

from feed_svc.store.timeline_walk import LEASE, PLACE, QUEUE, TimelineWalk
from feed_svc.store.timelines import key_of

pytestmark = pytest.mark.slow

TIMELINES, WORKERS = 3_000, 4


async def fill(redis: "Redis") -> None:
    """Add timelines, and keys that are none."""
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in range(TIMELINES):
            pipeline.rpush(key_of(viewer), b"x")
            pipeline.set(f"card:{viewer}", b"x")
        await pipeline.execute()


async def sample(walk: TimelineWalk, count: int) -> list[int]:
    """Take viewers, as a worker that is never refused for long."""
    found: list[int] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            viewer = await walk.next_viewer()
            if viewer is None:
                await asyncio.sleep(0.01)
            else:
                found.append(viewer)
    return found


async def test_workers_visit_different_timelines(redis: "Redis") -> None:
    """Of four workers, each visits timelines of its own, and together they visit all."""
    await fill(redis)
    share = TIMELINES // WORKERS
    found = await asyncio.gather(*(sample(TimelineWalk(redis), share) for _ in range(WORKERS)))
    assert sorted(viewer for each in found for viewer in each) == list(range(TIMELINES))


async def test_a_restarted_worker_continues_the_walk(redis: "Redis") -> None:
    """The place is kept in Redis, so that the end of the walk is reached however often workers restart."""
    await fill(redis)
    found = [viewer for _ in range(10) for viewer in await sample(TimelineWalk(redis), TIMELINES // 10)]
    assert sorted(found) == list(range(TIMELINES))


async def test_a_walk_begins_again_at_its_end(redis: "Redis") -> None:
    """The walk goes round and round, and waits while there is no timeline."""
    walk = TimelineWalk(redis)
    assert await walk.next_viewer() is None
    await redis.rpush(key_of(5), b"x")
    assert await sample(walk, 3) == [5, 5, 5]
    await redis.set(PLACE, "a-node-that-is-gone 77")
    assert await sample(walk, 1) == [5]


async def test_a_worker_does_not_wait_for_another(redis: "Redis") -> None:
    """While one worker looks for timelines, the others get none."""
    await fill(redis)
    await redis.set(LEASE, "another worker")
    assert await TimelineWalk(redis).next_viewer() is None
    await redis.rpush(QUEUE, 9)
    assert await TimelineWalk(redis).next_viewer() == 9
