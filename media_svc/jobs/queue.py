"""Queues of long jobs on media in Redis: a stream with one consumer group, where workers hold jobs by leases.

A video, or better compression of a photo, takes minutes. An event handler cannot wait for that, because the photos behind
it would wait too. So handlers only add the medium to a queue, and workers take one job per slot. The lease is the entry's
idle time: a live worker renews it, and a job whose worker died goes to the next worker that asks. The store records
finished work, so nothing is done twice.

A queue may lose jobs. The upload sweeper announces unfinished videos again; popular photos are found again by their views.

    media:{videos}          the stream: one entry per job, deleted when the job is done
    media:{videos}:queued   the media in the stream, so that each is there only once
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.errors import UnavailableError
from meshkit.ids import PublicId

VIDEOS = "media:{videos}"
# Popular photos, which are worth slower compression.
POPULAR_PHOTOS = "media:{popular_photos}"
GROUP = "media_svc"
_FIELD = b"media_id"
# A worker that renews nothing for this long counts as dead.
LEASE_MS = 30_000
# Well below the lease, so that some renewals may fail.
RENEW_SECONDS = 5.0
# A failed job is tried again after this.
RETRY_MS = 5_000
_BLOCK_MS = 1_000
_ADD = """
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[1])
return 1
"""
_DONE = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return redis.call('SREM', KEYS[2], ARGV[3])
"""
# Only for the member that still holds the job: after a long pause another may.
_HOLD = """
local found = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #found == 0 or found[1][2] ~= ARGV[2] then return 0 end
local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[4], 'JUSTID'}
if ARGV[5] ~= '' then table.insert(claim, 9, 'RETRYCOUNT') table.insert(claim, 10, ARGV[5]) end
redis.call(unpack(claim))
return 1
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A medium to process. `attempt` counts from 1 how often it was taken."""

    media_id: PublicId
    entry_id: bytes
    attempt: int


class JobQueue:
    """One queue, by its stream's key. All processes must use the same `lease_ms`.

    Every method raises UnavailableError if Redis does not answer.
    """

    def __init__(self, redis: "Redis", key: str, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self.key = key
        self._queued_key = f"{key}:queued"
        self._lease_ms = lease_ms

    async def add(self, media_id: PublicId) -> bool:
        """Add a medium, unless it is queued or being processed. Returns whether it was added."""
        with _redis_errors():
            return bool(await self._script(_ADD, 2, self.key, self._queued_key, str(media_id), _FIELD))

    async def take(self, member: str) -> Job | None:
        """Take a job whose lease has expired, else the next one. Returns None after a second without any."""
        with _redis_errors():
            try:
                return await self._take_over(member) or await self._take_next(member)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
            await self._make_group()
            return None

    async def renew(self, job: Job, member: str) -> bool:
        """Renew the lease of a job. Returns False if the member no longer holds it."""
        with _redis_errors():
            return bool(await self._script(_HOLD, 1, self.key, GROUP, member, job.entry_id, 0, ""))

    async def put_back(self, job: Job, member: str, delay_ms: int, *, counts: bool) -> None:
        """Release a job for any worker after a delay. `counts` says whether this attempt counts."""
        idle_ms = max(0, self._lease_ms - delay_ms)
        attempt = job.attempt if counts else job.attempt - 1
        with _redis_errors():
            await self._script(_HOLD, 1, self.key, GROUP, member, job.entry_id, idle_ms, attempt)

    async def finish(self, job: Job) -> None:
        """Remove a finished job from the queue."""
        with _redis_errors():
            await self._script(_DONE, 2, self.key, self._queued_key, GROUP, job.entry_id, str(job.media_id))

    async def _make_group(self) -> None:
        """Create the consumer group. Several workers may try at once."""
        try:
            await self._redis.xgroup_create(self.key, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _take_over(self, member: str) -> Job | None:
        pending: Any = await self._redis.xpending_range(self.key, GROUP, "-", "+", 1, idle=self._lease_ms)
        if not pending:
            return None
        entry_id, attempts = pending[0]["message_id"], pending[0]["times_delivered"]
        entries: Any = await self._redis.xclaim(self.key, GROUP, member, self._lease_ms, [entry_id])
        return _job(entries[0], attempts + 1) if entries else None

    async def _take_next(self, member: str) -> Job | None:
        streams: Any = {self.key: ">"}
        answer: Any = await self._redis.xreadgroup(GROUP, member, streams, count=1, block=_BLOCK_MS)
        if not answer:
            return None
        batches = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer]
        entries = [each for batch in batches for each in batch]
        return _job(entries[0], 1) if entries else None

    async def _script(self, script: str, key_count: int, *arguments: Any) -> Any:
        # redis-py's own script methods are typed for the sync client as well.
        return await self._redis.execute_command("EVAL", script, key_count, *arguments)  # type: ignore[no-untyped-call]  # it has no types


@contextmanager
def _redis_errors() -> Iterator[None]:
    """Turn Redis errors into UnavailableError."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise UnavailableError from error


def _job(entry: tuple[bytes, dict[bytes, bytes]], attempt: int) -> Job:
    entry_id, fields = entry
    return Job(PublicId.parse(fields[_FIELD].decode()), entry_id, attempt)
