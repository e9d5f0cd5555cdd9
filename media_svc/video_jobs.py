"""The queue of videos in Redis: a stream with one consumer group, each job held by a lease that its worker renews.

A video takes minutes, which no handler of events may: a photo behind it would wait. So the event of an upload only puts the video
here, where workers take one job a slot. The lease is the entry's idle time. A worker that dies renews nothing, and whoever asks
next takes its job over. The store knows which rungs are made already: what was finished is not done again.

The queue is a hint, too. If Redis loses it, the sweeper of uploads tells of what is unfinished once more.

    media:{videos}          the stream, an entry a job, deleted when the job is done
    media:{videos}:queued   the media that are in the stream, so that each is there once, however often it is told
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.errors import UnavailableError
from meshkit.ids import PublicId

KEY = "media:{videos}"
QUEUED_KEY = f"{KEY}:queued"
GROUP = "media_svc"
_FIELD = b"media_id"
# A worker that was silent for so long is gone.
LEASE_MS = 30_000
# Well below, so that some renewals may fail.
RENEW_SECONDS = 5.0
# What failed by no fault of its own comes again after this.
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
# Only for who still holds it: after a pause of this process somebody else may.
_HOLD = """
local found = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #found == 0 or found[1][2] ~= ARGV[2] then return 0 end
local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'IDLE', ARGV[4], 'JUSTID'}
if ARGV[5] ~= '' then table.insert(claim, 9, 'RETRYCOUNT') table.insert(claim, 10, ARGV[5]) end
redis.call(unpack(claim))
return 1
"""


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video to process. `attempt` counts from 1 how often it was taken."""

    media_id: PublicId
    entry_id: bytes
    attempt: int


class VideoQueue:
    """The queue, for those who add and those who work. `lease_ms` is the same in all of them.

    Every method raises UnavailableError where Redis does not answer.
    """

    def __init__(self, redis: "Redis", lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self._lease_ms = lease_ms

    async def add(self, media_id: PublicId) -> bool:
        """Add a video, unless it is in the queue or being worked on. Returns whether it was added."""
        with _answering():
            return bool(await self._script(_ADD, 2, KEY, QUEUED_KEY, str(media_id), _FIELD))

    async def take(self, member: str) -> VideoJob | None:
        """Return a job that nobody holds any more, else the next one; None where there is none within a second."""
        with _answering():
            try:
                return await self._take_over(member) or await self._take_next(member)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
            await self._make_group()
            return None

    async def renew(self, job: VideoJob, member: str) -> bool:
        """Hold a job for another while; returns False where it is no longer the member's."""
        with _answering():
            return bool(await self._script(_HOLD, 1, KEY, GROUP, member, job.entry_id, 0, ""))

    async def put_back(self, job: VideoJob, member: str, delay_ms: int, *, counts: bool) -> None:
        """Let go of a job, for whoever asks after a delay. `counts` says whether this attempt did."""
        idle_ms = max(0, self._lease_ms - delay_ms)
        attempt = job.attempt if counts else job.attempt - 1
        with _answering():
            await self._script(_HOLD, 1, KEY, GROUP, member, job.entry_id, idle_ms, attempt)

    async def finish(self, job: VideoJob) -> None:
        """Take a job out of the queue: there is nothing left to do."""
        with _answering():
            await self._script(_DONE, 2, KEY, QUEUED_KEY, GROUP, job.entry_id, str(job.media_id))

    async def _make_group(self) -> None:
        """Make the group. Workers that start together may all try."""
        try:
            await self._redis.xgroup_create(KEY, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _take_over(self, member: str) -> VideoJob | None:
        pending: Any = await self._redis.xpending_range(KEY, GROUP, "-", "+", 1, idle=self._lease_ms)
        if not pending:
            return None
        entry_id, attempts = pending[0]["message_id"], pending[0]["times_delivered"]
        entries: Any = await self._redis.xclaim(KEY, GROUP, member, self._lease_ms, [entry_id])
        return _job(entries[0], attempts + 1) if entries else None

    async def _take_next(self, member: str) -> VideoJob | None:
        streams: Any = {KEY: ">"}
        answer: Any = await self._redis.xreadgroup(GROUP, member, streams, count=1, block=_BLOCK_MS)
        if not answer:
            return None
        batches = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer]
        entries = [each for batch in batches for each in batch]
        return _job(entries[0], 1) if entries else None

    async def _script(self, script: str, key_count: int, *arguments: Any) -> Any:
        # redis-py's own methods for these are typed for its sync client, too.
        return await self._redis.execute_command("EVAL", script, key_count, *arguments)  # type: ignore[no-untyped-call]  # it has no types


@contextmanager
def _answering() -> Iterator[None]:
    """Say of a Redis that does not answer what is said of any part that is away."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise UnavailableError from error


def _job(entry: tuple[bytes, dict[bytes, bytes]], attempt: int) -> VideoJob:
    entry_id, fields = entry
    return VideoJob(PublicId.parse(fields[_FIELD].decode()), entry_id, attempt)
