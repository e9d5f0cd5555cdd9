"""A lease in Redis: of all processes that want to do some work, one at a time does it."""

import secrets
from typing import Any

from redis.asyncio import Redis

# Longer than a turn of the work usually takes. Two holders at once do no harm, so the lease need not be renewed meanwhile.
LEASE_MS = 10_000
# KEYS lease; ARGV token, time to live in ms. Takes or renews the lease.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Lease:
    """One process's view of a lease."""

    def __init__(self, redis: "Redis", key: str, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self._key = key
        self._lease_ms = lease_ms
        self._token = secrets.token_hex(8)

    async def hold(self) -> bool:
        """Take the lease if it is free, or renew it. Returns whether this process has it."""
        return bool(await self._run(_HOLD, self._token, self._lease_ms))

    async def release(self) -> None:
        """Give the lease up, so that another process need not wait."""
        await self._run(_RELEASE, self._token)

    async def _run(self, script: str, *arguments: str | int) -> Any:
        # redis-py's eval has the types of its synchronous client as well.
        return await self._redis.execute_command("EVAL", script, 1, self._key, *arguments)  # type: ignore[no-untyped-call]  # it has no types
