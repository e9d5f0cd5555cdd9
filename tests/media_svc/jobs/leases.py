"""The leases of a queue's jobs."""

from typing import Any

from media_svc.jobs.queue import LEASE_MS


async def expire_leases(redis: Any, key: str) -> None:
    """Let the leases of all jobs expire, as they would in half a minute."""
    for media_id, expires_ms in await redis.zrange(f"{key}:leases", 0, -1, withscores=True):
        await redis.zadd(f"{key}:leases", {media_id: expires_ms - LEASE_MS})
