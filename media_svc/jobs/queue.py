"""Queues of jobs on media in Redis, where owners take turns and workers hold jobs by leases.

A photo takes a second and a video minutes, so event handlers only add the medium to a queue, and workers take one job per slot.
An owner with many jobs delays only their own (`turns.py`). A live worker renews its lease; a job whose worker died
waits again at its former place. The store records finished work, so nothing is done twice.

A queue may lose jobs. The upload sweeper announces unfinished media again; popular photos are found again by their views.
"""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from media_svc.jobs import turns
from meshkit.ids import PublicId
from meshkit.redis.outages import redis_unavailable
from meshkit.telemetry.catalog import JOB_WAIT, JOBS_WAITING
from meshkit.telemetry.trace_context import outgoing_traceparent

PHOTOS = "media:{photos}"
# Photos that would hold up others: with many pixels, or whose decoder needs much memory.
LARGE_PHOTOS = "media:{large_photos}"
VIDEOS = "media:{videos}"
# Popular photos, which are worth slower compression.
POPULAR_PHOTOS = "media:{popular_photos}"
# A worker that renews nothing for this long counts as dead.
LEASE_MS = 30_000
# Well below the lease, so that some renewals may fail.
RENEW_SECONDS = 5.0
# A failed job is tried again after this.
RETRY_MS = 5_000
_BLOCK_SECONDS = 1
_wait = JOB_WAIT.create()
_waiting = JOBS_WAITING.create()


@dataclass(frozen=True, slots=True)
class Job:
    """A medium to process. `attempt` counts from 1 how often it was taken."""

    media_id: PublicId
    attempt: int
    traceparent: str = ""
    """The trace context of the work that added it."""


class JobQueue:
    """One queue, by the prefix of its keys.

    Costs are positive, and comparable within a queue. Every method raises UnavailableError if Redis does not answer.
    """

    def __init__(self, redis: "Redis", key: str, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self.key = key
        self._keys = [f"{key}:{name}" for name in turns.KEYS]
        self._lease_ms = lease_ms
        scripts = (turns.ADD, turns.TAKE, turns.RENEW, turns.PUT_BACK, turns.FINISH)
        self._add, self._take, self._renew, self._put_back, self._finish = map(redis.register_script, scripts)

    async def add(self, media_id: PublicId, cost: int = 1) -> bool:
        """Add a medium with its estimated cost, unless it is queued or being processed. Returns whether it was added."""
        return bool(await self._run(self._add, str(media_id), media_id.owner, cost, outgoing_traceparent() or ""))

    async def take(self, member: str) -> Job | None:
        """Take the next job of the owner whose turn it is. Returns None after a second without any."""
        job = await self._try_to_take(member)
        if job is None:
            with redis_unavailable():
                await self._redis.blpop([self._keys[turns.KEYS.index("bell")]], timeout=_BLOCK_SECONDS)
            job = await self._try_to_take(member)
        return job

    async def renew(self, job: Job, member: str) -> bool:
        """Renew the lease of a job. Returns False if the member no longer holds it."""
        return bool(await self._run(self._renew, str(job.media_id), member, self._lease_ms))

    async def put_back(self, job: Job, member: str, delay_ms: int, *, counts: bool) -> None:
        """Release a job for any worker after a delay. `counts` says whether this attempt counts."""
        await self._run(self._put_back, str(job.media_id), member, delay_ms, int(counts))

    async def finish(self, job: Job, cost: int | None = None) -> None:
        """Remove a finished job from the queue, and charge its owner what it cost; the estimate if that is unknown."""
        await self._run(self._finish, str(job.media_id), "" if cost is None else cost)

    async def has_waiting(self) -> bool:
        """Tell whether a job waits for a worker."""
        with redis_unavailable():
            return bool(await self._redis.zcard(self._keys[turns.KEYS.index("waiting")]))

    async def _try_to_take(self, member: str) -> Job | None:
        taken = await self._run(self._take, member, self._lease_ms)
        if taken is None:
            return None
        media_id, attempt, age_ms, waiting, traceparent = taken
        attributes = {"queue": self.key}
        _waiting.set(waiting, attributes)
        if attempt == 1:
            _wait.record(age_ms / 1000, attributes)
        return Job(PublicId.parse(media_id.decode()), attempt, traceparent.decode())

    async def _run(self, script: AsyncScript, *arguments: Any) -> Any:
        with redis_unavailable():
            return await script(self._keys, arguments)
