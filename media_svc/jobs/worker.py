"""The worker of a job queue: takes jobs and renews their leases while it works on them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from media_svc.jobs.queue import RENEW_SECONDS, RETRY_MS, Job, JobQueue
from meshkit.call import CURRENT, current_call
from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.ids import PublicId
from meshkit.telemetry.catalog import JOB_DURATION
from meshkit.telemetry.spans import processing

# A job that failed this often is given up, so that others get their turn.
MAX_ATTEMPTS = 3
# The pause after a Redis error.
_PAUSE_SECONDS = 0.5
# How often a worker that may not begin checks again.
YIELD_SECONDS = 1.0
_duration = JOB_DURATION.create()
_log = structlog.get_logger()


class Work(Protocol):
    """What a job does to a medium. Repeating it does only what is missing."""

    async def __call__(self, media_id: PublicId) -> int | None:
        """Do the work. Returns what it cost, None if the queue's estimate will do. It is tried again if it raises."""
        ...

    async def give_up(self, media_id: PublicId) -> None:
        """Leave a medium as it is after too many attempts."""
        ...


async def _always() -> bool:
    return True


class WorkJobs:
    """Runs `at_once` jobs at a time, as the members MEMBER-0, MEMBER-1 and so on.

    No job begins while `may_begin` returns False; it may raise UnavailableError.
    """

    def __init__(
        self,
        queue: JobQueue,
        work: Work,
        member: str,
        at_once: int,
        may_begin: Callable[[], Awaitable[bool]] = _always,
    ) -> None:
        self._queue = queue
        self._do_work = work
        self._members = [f"{member}-{number}" for number in range(at_once)]
        self._may_begin = may_begin
        self._in_hand = 0
        self._log = _log.bind(queue=queue.key)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until the process stops. Unfinished jobs are put back, and other workers continue them at once."""
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(self._work(member, stopping))
            await stopping.wait()

    async def is_idle(self) -> bool:
        """Tell whether no job is in progress here and none waits. Raises UnavailableError."""
        return not self._in_hand and not await self._queue.has_waiting()

    async def _work(self, member: str, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                if not await self._may_begin():
                    await asyncio.wait({stopped := asyncio.create_task(stopping.wait())}, timeout=YIELD_SECONDS)
                    stopped.cancel()
                elif (job := await self._queue.take(member)) is not None:
                    await self._hold(job, member, stopping)
            except UnavailableError as error:
                self._log.warning("job_queue_failed", error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _hold(self, job: Job, member: str, stopping: asyncio.Event) -> None:
        """Run a job and renew its lease meanwhile. Abandon it if another worker holds it."""
        self._in_hand += 1
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
            self._in_hand -= 1

    async def _do(self, job: Job) -> int | None:
        if job.attempt > MAX_ATTEMPTS:
            self._log.error("job_given_up", media_id=str(job.media_id))
            await self._do_work.give_up(job.media_id)
            return None
        start = time.perf_counter()
        outcome = "failed"
        try:
            # Also where the trace is not sampled, so that the events of this work are not either.
            CURRENT.set(current_call()._replace(traceparent=job.traceparent or None))
            with processing(self._queue.key, job.traceparent, {"lensfeed.media_id": str(job.media_id)}):
                cost = await self._do_work(job.media_id)
            outcome = "done"
        finally:
            _duration.record(time.perf_counter() - start, {"queue": self._queue.key, "outcome": outcome})
        return cost

    async def _end(self, job: Job, member: str, work: asyncio.Task[int | None]) -> None:
        if not work.done():  # the process is stopping
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._queue.put_back(job, member, 0, counts=False)
        elif (error := work.exception()) is not None:
            is_passing = isinstance(error, UnavailableError | DeadlineExceededError)
            self._log.warning("job_not_done", media_id=str(job.media_id), error=repr(error), exc_info=error)
            await self._queue.put_back(job, member, RETRY_MS, counts=not is_passing)
        else:
            await self._queue.finish(job, work.result())

    async def _still_held(self, job: Job, member: str) -> bool:
        """Renew the lease. The work continues while Redis is down: the store decides whose result counts."""
        try:
            return await self._queue.renew(job, member)
        except UnavailableError as error:
            self._log.warning("lease_not_renewed", media_id=str(job.media_id), error=repr(error))
            return True


class Idle(Protocol):
    """Something that is idle at times."""

    async def is_idle(self) -> bool:
        """Tell whether it is. Raises UnavailableError."""
        ...


def all_idle(*workers: Idle) -> Callable[[], Awaitable[bool]]:
    """Return a function that tells whether all of these workers are idle. It may raise UnavailableError."""

    async def are_idle() -> bool:
        return all([await each.is_idle() for each in workers])

    return are_idle
