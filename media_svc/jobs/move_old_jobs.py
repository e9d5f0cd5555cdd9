"""Move jobs from the queues of 0.1, which were Redis streams, to those where owners take turns.

Workers of both versions may run during an upgrade: each key has its own format, and what old processes add is moved too.

    media:{videos}          the stream: one entry per job
    media:{videos}:queued   the media in the stream
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from media_svc.jobs.queue import LEASE_MS, JobQueue
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId
from meshkit.tasks.periodic import every

INTERVAL_SECONDS = 30.0
GROUP = "media_svc"
_MEMBER = "upgrade"
_FIELD = b"media_id"
_BATCH = 100
_REMOVE = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('SREM', KEYS[2], ARGV[3])
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
"""
_log = structlog.get_logger()


class MoveOldJobs:
    """Moves the jobs of the stream with a queue's key, except those that a live worker of the old version holds."""

    def __init__(self, redis: "Redis", queue: JobQueue, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self._queue = queue
        self._lease_ms = lease_ms
        self._remove_job = redis.register_script(_REMOVE)

    async def run(self, stopping: asyncio.Event) -> None:
        """Move jobs until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            try:
                await self()
            except (RedisError, OSError, UnavailableError) as error:
                _log.warning("old_jobs_not_moved", queue=self._queue.key, error=repr(error))

    async def __call__(self) -> int:
        """Move what is there, and return how many jobs. Raises RedisError, UnavailableError."""
        if not await self._redis.exists(self._queue.key):
            return 0
        await self._make_group()
        moved = 0
        while entries := await self._next():
            for entry_id, media_id in entries:
                # Added first: a job that is in both queues for a moment is done once.
                await self._queue.add(media_id)
                await self._remove(entry_id, media_id)
                moved += 1
        if moved:
            _log.info("old_jobs_moved", queue=self._queue.key, jobs=moved)
        return moved

    async def _make_group(self) -> None:
        try:
            await self._redis.xgroup_create(self._queue.key, GROUP, id="0")
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _next(self) -> Sequence[tuple[bytes, PublicId]]:
        """Return entries that nobody holds: new ones, or those whose lease has expired."""
        if not await self._redis.exists(self._queue.key):
            return []
        streams: Any = {self._queue.key: ">"}
        answer: Any = await self._redis.xreadgroup(GROUP, _MEMBER, streams, count=_BATCH) or {}
        batches = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        if new := [_job(entry) for batch in batches for entry in batch]:
            return new
        expired: Any = await self._redis.xautoclaim(self._queue.key, GROUP, _MEMBER, self._lease_ms, "0", count=_BATCH)
        return [_job(entry) for entry in expired[1]]

    async def _remove(self, entry_id: bytes, media_id: PublicId) -> None:
        keys = (self._queue.key, f"{self._queue.key}:queued")
        await self._remove_job(keys, (GROUP, entry_id, str(media_id)))


def _job(entry: tuple[bytes, dict[bytes, bytes]]) -> tuple[bytes, PublicId]:
    entry_id, fields = entry
    return entry_id, PublicId.parse(fields[_FIELD].decode())
