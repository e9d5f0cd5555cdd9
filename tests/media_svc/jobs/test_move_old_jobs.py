"""Tests of the upgrade from queues that were streams."""

import asyncio

import pytest
from redis.asyncio import Redis

from media_svc.jobs.move_old_jobs import GROUP, MoveOldJobs
from media_svc.jobs.queue import VIDEOS, JobQueue
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis

pytestmark = pytest.mark.slow

MEDIA = [PublicId(new_id(), owner) for owner in (1, 1, 2)]


@pytest.fixture(autouse=True)
async def old_jobs(redis: "Redis") -> None:
    """Add three jobs of 0.1, of which a worker holds the first."""
    for media_id in MEDIA:
        await redis.sadd(f"{VIDEOS}:queued", str(media_id))
        await redis.xadd(VIDEOS, {"media_id": str(media_id)})
    await redis.xgroup_create(VIDEOS, GROUP, id="0")
    await redis.xreadgroup(GROUP, "old-worker", {VIDEOS: ">"}, count=1)


async def _take_all(queue: JobQueue) -> set[PublicId]:
    taken = set()
    while (job := await queue.take("worker")) is not None:
        taken.add(job.media_id)
    return taken


async def test_waiting_jobs_are_moved(redis: "Redis") -> None:
    """Jobs that nobody holds are moved once; one that an old worker holds stays with it."""
    queue = JobQueue(redis, VIDEOS)
    move = MoveOldJobs(redis, queue)
    assert [await move(), await move()] == [2, 0]
    assert await _take_all(queue) == set(MEDIA[1:])
    assert await redis.xlen(VIDEOS) == 1


async def test_jobs_of_dead_workers_are_moved(redis: "Redis") -> None:
    """A job whose old worker died is moved too, and nothing of the old format is left."""
    queue = JobQueue(redis, VIDEOS)
    assert await MoveOldJobs(redis, queue, lease_ms=0)() == 3
    assert await _take_all(queue) == set(MEDIA)
    assert not await redis.exists(VIDEOS, f"{VIDEOS}:queued")


async def test_a_stream_without_a_group(redis: "Redis") -> None:
    """Jobs that no worker has ever seen are moved."""
    await redis.xgroup_destroy(VIDEOS, GROUP)
    assert await MoveOldJobs(redis, JobQueue(redis, VIDEOS))() == 3


async def test_runs_beside_others(redis: "Redis") -> None:
    """It moves jobs by itself, goes on when Redis is away, and ends when it is asked to."""
    queue, stopping = JobQueue(redis, VIDEOS), asyncio.Event()
    async with open_redis("redis://127.0.0.1:1/0") as away:
        failing = asyncio.create_task(MoveOldJobs(away, JobQueue(away, VIDEOS)).run(stopping))
        moving = asyncio.create_task(MoveOldJobs(redis, queue).run(stopping))
        async with asyncio.timeout(60):
            while await queue.take("worker") is None:
                pass
        stopping.set()
        await asyncio.gather(failing, moving)
