"""Count views of media in Redis, with exponential decay.

The stored score of a medium is log2 of its views plus the current time in half-lives. It does not change while nobody
looks, so one sorted set orders media by their decayed views at any time.

A shard has three keys in one slot: the scores, the class of each medium that is not cold, and the media whose class
has changed, by the time of the change.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from media_svc.delivery.cache_classes import ENTER_VIEWS, CacheClass, next_class
from meshkit.ids import PublicId
from meshkit.redis.outages import redis_unavailable

HALF_LIFE_SECONDS = 3600.0
SHARDS = 16
# Media that a review reads in one round trip.
PAGE = 500
# Scores below this many views are deleted.
LEAST_VIEWS = 1.0
_COUNT = """
local now, now_ms, warm, hot = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 5, #ARGV, 2 do
  local id, score = ARGV[i], redis.call('ZSCORE', KEYS[1], ARGV[i])
  local views = tonumber(ARGV[i + 1]) + (score and 2 ^ (tonumber(score) - now) or 0)
  redis.call('ZADD', KEYS[1], string.format('%.17g', now + math.log(views) / math.log(2)), id)
  local reached = views >= hot and 2 or views >= warm and 1 or 0
  if reached > tonumber(redis.call('HGET', KEYS[2], id) or 0) then
    redis.call('HSET', KEYS[2], id, reached)
    redis.call('ZADD', KEYS[3], 'NX', now_ms, id)
  end
end
"""
_MOVE = """
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) ~= tonumber(ARGV[2]) then return end
if ARGV[3] == '0' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
redis.call('ZADD', KEYS[3], 'NX', ARGV[4], ARGV[1])
"""
_SETTLE = """
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[3], ARGV[1]) end
"""


class RedisPopularity:
    """Popularity in Redis or a Redis cluster."""

    def __init__(self, redis: "Redis", half_life_seconds: float = HALF_LIFE_SECONDS) -> None:
        self._redis = redis
        self._half_life_seconds = half_life_seconds
        self._count, self._move, self._settle = (redis.register_script(each) for each in (_COUNT, _MOVE, _SETTLE))

    async def count(self, views: Mapping[PublicId, int]) -> None:
        """Add views."""
        by_shard: dict[int, list[Any]] = {}
        for media_id, number in views.items():
            by_shard.setdefault(_shard_of(media_id), []).extend((str(media_id), number))
        bounds = (ENTER_VIEWS[CacheClass.WARM], ENTER_VIEWS[CacheClass.HOT])
        with redis_unavailable():
            for shard, counted in by_shard.items():
                await self._count(_keys(shard), (self._now(), _now_ms(), *bounds, *counted))

    async def review(self) -> None:
        """Update the class of every medium that is not cold."""
        with redis_unavailable():
            for shard in range(SHARDS):
                scores, classes, _ = _keys(shard)
                await self._redis.zremrangebyscore(scores, "-inf", self._now() + math.log2(LEAST_VIEWS))
                cursor = -1
                while cursor:
                    cursor, page = await self._redis.hscan(classes, max(cursor, 0), count=PAGE)
                    await self._review_page(shard, page)

    async def _review_page(self, shard: int, page: Any) -> None:
        if not page:
            return
        known: Sequence[Any] = await self._redis.zmscore(_keys(shard)[0], list(page))
        now = self._now()
        for (name, current), score in zip(page.items(), known, strict=True):
            views = 0.0 if score is None else 2 ** (float(score) - now)
            following = next_class(CacheClass(int(current)), views)
            if following != int(current):
                await self._move(_keys(shard), (name, int(current), int(following), _now_ms()))

    async def changed(self, limit: int) -> Mapping[PublicId, CacheClass]:
        """Return the media whose class has changed."""
        found: dict[PublicId, CacheClass] = {}
        with redis_unavailable():
            for shard in range(SHARDS):
                _, classes, queue = _keys(shard)
                waiting: Any = await self._redis.zrange(queue, 0, limit - len(found) - 1)
                if not waiting:
                    continue
                now: Sequence[Any] = await self._redis.hmget(classes, [each.decode() for each in waiting])
                found.update(
                    (PublicId.parse(name.decode()), CacheClass(int(each or 0)))
                    for name, each in zip(waiting, now, strict=True)
                )
                if len(found) >= limit:
                    break
        return found

    async def acknowledge(self, media_id: PublicId, cache_class: CacheClass) -> None:
        """Unmark a changed medium."""
        with redis_unavailable():
            await self._settle(_keys(_shard_of(media_id)), (str(media_id), int(cache_class)))

    async def forget(self, media_id: PublicId) -> None:
        """Delete a medium's score and class."""
        scores, classes, queue = _keys(_shard_of(media_id))
        with redis_unavailable():
            await self._redis.zrem(scores, str(media_id))
            await self._redis.hdel(classes, str(media_id))
            await self._redis.zrem(queue, str(media_id))

    def _now(self) -> float:
        """Return the time in half-lives."""
        return time.time() / self._half_life_seconds


def _shard_of(media_id: PublicId) -> int:
    return media_id.local % SHARDS


def _keys(shard: int) -> tuple[str, str, str]:
    scores, classes, changed = (f"media:{{popularity{shard}}}:{name}" for name in ("scores", "classes", "changed"))
    return scores, classes, changed


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
