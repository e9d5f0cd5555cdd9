"""Unfinished media in Redis: a sorted set of each owner, by when the uploads began.

The store decides what is unfinished. The set makes counting cheap and atomic; what it has too many, `LimitUploads` removes. If
Redis loses it, owners begin to count from zero.
"""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from media_svc.errors import PENDING_RETRY_SECONDS
from meshkit.ids import PublicId
from meshkit.redis.outages import redis_unavailable

# An upload ends after a day, and so does its processing.
_EXPIRY_SECONDS = 3 * 24 * 3600
_CHECK_INTERVAL_MS = round(PENDING_RETRY_SECONDS * 1000) - 500
_ADD = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class RedisUnfinishedMedia:
    """UnfinishedMedia in Redis or a Redis cluster."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._add = redis.register_script(_ADD)

    async def add(self, media_id: PublicId, limit: int) -> bool:
        """Add a medium, unless its owner has too many."""
        with redis_unavailable():
            return bool(await self._add([_key(media_id.owner)], [str(media_id), limit, _EXPIRY_SECONDS]))

    async def to_check(self, owner_id: int) -> Sequence[PublicId]:
        """Return an owner's media, or none if that was done just now."""
        with redis_unavailable():
            if not await self._redis.set(f"{_key(owner_id)}:checked", 1, nx=True, px=_CHECK_INTERVAL_MS):
                return []
            members: Any = await self._redis.zrange(_key(owner_id), 0, -1)
        return [PublicId.parse(each.decode()) for each in members]

    async def remove(self, media_ids: Sequence[PublicId]) -> None:
        """Remove media."""
        if media_ids:
            with redis_unavailable():
                await self._redis.zrem(_key(media_ids[0].owner), *map(str, media_ids))


def _key(owner_id: int) -> str:
    return f"media:unfinished:{{{owner_id}}}"
