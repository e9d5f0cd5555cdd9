"""Tests of the job queue, on a real Valkey."""

import asyncio

import pytest
from redis.asyncio import Redis

from media_svc.jobs.queue import POPULAR_PHOTOS, VIDEOS, Job, JobQueue
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis

pytestmark = pytest.mark.slow

LEASE_MS = 200
PATIENCE_SECONDS = 120


@pytest.fixture
def queue(redis: "Redis") -> JobQueue:
    """Provide a queue with short leases."""
    return JobQueue(redis, VIDEOS, LEASE_MS)


def _some_media() -> PublicId:
    return PublicId(new_id(), 1)


async def _taken(queue: JobQueue, member: str) -> Job:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (job := await queue.take(member)) is None:
            pass
        return job


async def test_in_order_and_once(queue: JobQueue, redis: "Redis") -> None:
    """An owner's jobs come in order, each once, and nothing is left of them at the end."""
    media = [_some_media() for _ in range(3)]
    assert [await queue.add(each) for each in media] == [True] * 3
    jobs = [await _taken(queue, f"worker-{number}") for number in range(3)]
    assert [(job.media_id, job.attempt) for job in jobs] == [(each, 1) for each in media]
    for job in jobs:
        await queue.finish(job)
    assert await queue.take("worker-0") is None
    assert set(await redis.keys(f"{VIDEOS}*")) == {f"{VIDEOS}:{name}".encode() for name in ("state", "debts")}


async def test_added_again(queue: JobQueue) -> None:
    """A queued or running medium is not added again; a finished one is."""
    media_id = _some_media()
    assert await queue.add(media_id)
    assert not await queue.add(media_id)
    job = await _taken(queue, "worker-0")
    assert not await queue.add(media_id)
    await queue.finish(job)
    assert await queue.add(media_id)
    await queue.finish(await _taken(queue, "worker-0"))


async def test_separate_queues(queue: JobQueue, redis: "Redis") -> None:
    """A medium can be in two queues, and each returns its own job."""
    photos, media_id = JobQueue(redis, POPULAR_PHOTOS, LEASE_MS), _some_media()
    assert await queue.add(media_id)
    assert await photos.take("worker-0") is None
    assert await photos.add(media_id)
    await queue.finish(await _taken(queue, "worker-0"))
    assert (await _taken(photos, "worker-0")).media_id == media_id


async def test_expired_lease(queue: JobQueue) -> None:
    """A job whose lease has expired goes to the next worker that asks, with one more attempt."""
    await queue.add(_some_media())
    lost = await _taken(queue, "dead")
    found = await _taken(queue, "alive")
    assert (found.media_id, found.attempt) == (lost.media_id, 2)
    assert not await queue.renew(lost, "dead")
    assert await queue.renew(found, "alive")
    await queue.put_back(lost, "dead", 0, counts=False)
    assert await queue.renew(found, "alive")


async def test_renewed(redis: "Redis") -> None:
    """A job whose lease is renewed stays with its worker."""
    queue = JobQueue(redis, VIDEOS, lease_ms=3_000)
    await queue.add(_some_media())
    job = await _taken(queue, "worker-0")
    for _ in range(4):
        assert await queue.renew(job, "worker-0")
        assert await queue.take("worker-1") is None  # waits for a second


@pytest.mark.parametrize(("counts", "attempt"), [(False, 1), (True, 2)])
async def test_put_back(redis: "Redis", counts: bool, attempt: int) -> None:
    """A job that is put back is available at once, and counts as an attempt only if requested."""
    queue = JobQueue(redis, VIDEOS, lease_ms=3_600_000)
    await queue.add(_some_media())
    job = await _taken(queue, "worker-0")
    await queue.put_back(job, "worker-0", 0, counts=counts)
    again = await _taken(queue, "worker-1")
    assert (again.media_id, again.attempt) == (job.media_id, attempt)


async def test_finished_by_the_slower(queue: JobQueue) -> None:
    """A job that was taken over and that its first worker finishes is done; the other worker loses it."""
    await queue.add(_some_media())
    first = await _taken(queue, "slow")
    second = await _taken(queue, "fast")
    await queue.finish(first)
    assert not await queue.renew(second, "fast")
    await queue.finish(second)
    assert await queue.take("next") is None


async def test_lost_keys(queue: JobQueue, redis: "Redis") -> None:
    """If Redis loses one of the keys, the others hold up nothing, and a lost medium can be added again."""
    for name in ("jobs", "waiting", "turns", "leases"):
        lost, kept = _some_media(), _some_media()
        await queue.add(lost)
        await redis.delete(f"{VIDEOS}:{name}")
        await queue.add(kept)
        await queue.add(lost)
        found = {(await _taken(queue, "worker-0")).media_id for _ in range(2)}
        assert found == {lost, kept}, name
        await redis.flushdb()


async def test_redis_away() -> None:
    """Without Redis, every method raises UnavailableError."""
    async with open_redis("redis://127.0.0.1:1/0") as redis:
        queue, job = JobQueue(redis, VIDEOS), Job(_some_media(), 1)
        calls = (
            queue.add(job.media_id),
            queue.take("worker-0"),
            queue.renew(job, "worker-0"),
            queue.put_back(job, "worker-0", 0, counts=True),
            queue.finish(job),
            queue.has_waiting(),
        )
        for call in calls:
            with pytest.raises(UnavailableError):
                await call
