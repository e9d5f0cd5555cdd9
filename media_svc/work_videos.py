"""The worker of videos: takes jobs while the process runs, and holds each for as long as it works on it."""

import asyncio

import structlog

from media_svc.process_video import ProcessVideo
from media_svc.video_jobs import RENEW_SECONDS, RETRY_MS, VideoJob, VideoQueue
from meshkit.errors import DeadlineExceededError, UnavailableError

# What has failed or died so often will not do better, and others wait.
MAX_ATTEMPTS = 3
# After an error of Redis itself.
_PAUSE_SECONDS = 0.5
_log = structlog.get_logger()


class WorkVideos:
    """Processes `at_once` videos at a time, as the members MEMBER-0, MEMBER-1, … of the group."""

    def __init__(self, queue: VideoQueue, process: ProcessVideo, member: str, at_once: int) -> None:
        self._queue = queue
        self._process = process
        self._members = [f"{member}-{number}" for number in range(at_once)]

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until the process stops. What is under way then is put back, and goes on elsewhere at once."""
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(self._work(member, stopping))
            await stopping.wait()

    async def _work(self, member: str, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                job = await self._queue.take(member)
                if job is not None:
                    await self._hold(job, member, stopping)
            except UnavailableError as error:
                _log.warning("video_queue_failed", error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _hold(self, job: VideoJob, member: str, stopping: asyncio.Event) -> None:
        """Do a job, renewing its lease meanwhile. One that somebody else holds by now is let go of."""
        work = asyncio.create_task(self._do(job))
        stopped = asyncio.create_task(stopping.wait())
        try:
            while not work.done() and not stopping.is_set():
                await asyncio.wait({work, stopped}, timeout=RENEW_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if not work.done() and not await self._still_held(job, member):
                    return
            await self._end(job, member, work)
        finally:
            stopped.cancel()
            work.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)

    async def _do(self, job: VideoJob) -> None:
        if job.attempt > MAX_ATTEMPTS:
            _log.error("video_given_up", media_id=str(job.media_id))
            await self._process.settle_for_less(job.media_id)
        else:
            await self._process(job.media_id)

    async def _end(self, job: VideoJob, member: str, work: asyncio.Task[None]) -> None:
        if not work.done():  # the process stops
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._queue.put_back(job, member, 0, counts=False)
        elif (error := work.exception()) is not None:
            is_passing = isinstance(error, UnavailableError | DeadlineExceededError)
            _log.warning("video_not_processed", media_id=str(job.media_id), error=repr(error), exc_info=error)
            await self._queue.put_back(job, member, RETRY_MS, counts=not is_passing)
        else:
            await self._queue.finish(job)

    async def _still_held(self, job: VideoJob, member: str) -> bool:
        """Renew the lease. While Redis is away the work goes on: the store decides whose result counts."""
        try:
            return await self._queue.renew(job, member)
        except UnavailableError as error:
            _log.warning("lease_not_renewed", media_id=str(job.media_id), error=repr(error))
            return True
