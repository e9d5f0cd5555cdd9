"""The states that media enter and the time of their jobs, as metrics."""

import asyncio

import pytest
from redis.asyncio import Redis

from media_svc import state_counts
from media_svc.jobs import worker
from media_svc.jobs.queue import JobQueue
from media_svc.jobs.worker import WorkJobs
from media_svc.model import Failure, FailureReason, Media, MediaKind, MediaState
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis
from meshkit.telemetry.catalog import JOB_DURATION, MEDIA_STATES
from tests.media_svc.media_app import new_user
from tests.media_svc.media_stores import OpenStore
from tests.recorded import Recorded

MINUTE = 50_000_000


async def test_each_step_of_a_medium_counts_once(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A medium counts in each state that it enters, with the reason of a rejection, and not if another writer was first."""
    recorded = Recorded(monkeypatch).replace(state_counts, _states=MEDIA_STATES)
    media = Media(
        PublicId(new_id(), new_user()), MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/jpeg", 1_000, "", ""
    )
    assert await opened.media.add_media(media, MINUTE)
    rejected = media.rejected(Failure(FailureReason.UPLOAD_EXPIRED, "The upload was not finished in time."))
    assert await opened.media.replace_media(media, rejected, [])
    assert not await opened.media.replace_media(media, rejected, [])
    assert recorded.values(MEDIA_STATES) == {
        ("PHOTO", "AWAITING_UPLOAD", ""): 1,
        ("PHOTO", "REJECTED", "UPLOAD_EXPIRED"): 1,
    }


class _Work:
    def __init__(self) -> None:
        self.tried = 0
        self.done = asyncio.Event()

    async def __call__(self, media_id: PublicId) -> int | None:
        self.tried += 1
        if media_id.owner == 1:
            raise RuntimeError("it cannot be done")
        self.done.set()
        return None

    async def give_up(self, media_id: PublicId) -> None:
        """Do nothing."""


async def test_jobs_are_timed_by_their_outcome(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails is timed as well."""
    recorded = Recorded(monkeypatch).replace(worker, _duration=JOB_DURATION)
    stopping, work = asyncio.Event(), _Work()
    async with open_redis(redis_url) as redis:
        queue = await _queue(redis)
        running = asyncio.create_task(WorkJobs(queue, work, "m", 1).run(stopping))
        async with asyncio.timeout(30):
            await work.done.wait()
        stopping.set()
        await running
    assert recorded.values(JOB_DURATION) == {(queue.key, "failed"): 1, (queue.key, "done"): 1}


async def _queue(redis: "Redis") -> JobQueue:
    """Return a queue with a job that fails and one that succeeds."""
    queue = JobQueue(redis, f"media:{{{new_id()}}}")
    for owner in (1, 2):
        await queue.add(PublicId(new_id(), owner))
    return queue
