"""Home timelines in Redis. See `scripts.py` for their form."""

import time
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from feed_svc.model import ENTRY_SIZE, TIMELINE_LENGTH, Entry, Window
from feed_svc.store import scripts
from meshkit.redis_mux import RedisMux

# How far a timeline may grow over its length before it is cut; both together stay below the listpack limit of 1,024.
SLACK = 50
# A build takes well below a second; after this long its builder is taken for dead.
BUILD_LEASE_MS = 10_000
# What a dead builder leaves goes away by itself.
BUILD_TTL_SECONDS = 60
# How many timelines one server-side call writes: long enough to be worth the trip, short enough (some 15 ms) to let reads by.
PUSH_BATCH = 1_000
# The time to live is renewed by reads when it has shrunk by this share, not by each: a read that writes costs replication.
RENEW_SHARE = 0.1
_LIVE_MARKER_SIZE = ENTRY_SIZE + 1


class RedisTimelines:
    """Timelines: reads go over the multiplexed connection, writes over redis-py."""

    def __init__(self, mux: RedisMux, redis: "Redis", *, ttl_seconds: int, length: int = TIMELINE_LENGTH) -> None:
        self._mux = mux
        self._redis = redis
        self._ttl = ttl_seconds
        self._length = length
        self._push = redis.register_script(scripts.PUSH)
        self._backfill = redis.register_script(scripts.BACKFILL)
        self._begin_build = redis.register_script(scripts.BEGIN_BUILD)
        self._finish_build = redis.register_script(scripts.FINISH_BUILD)
        self._abandon_build = redis.register_script(scripts.ABANDON_BUILD)
        self._remove_author = redis.register_script(scripts.REMOVE_AUTHOR)

    async def read(self, viewer: int, below: Entry | None, limit: int) -> Window | None:
        """Read a live timeline in one round trip."""
        key = _key(viewer)
        found, lowest, ttl = await self._mux.execute_many(
            [
                ("ZREVRANGEBYLEX", key, b"+" if below is None else b"(" + below, "-", "LIMIT", 0, limit),
                ("ZRANGE", key, 0, 0),
                ("TTL", key),
            ]
        )
        if not lowest or len(lowest[0]) != _LIVE_MARKER_SIZE:
            return None
        if ttl < self._ttl * (1 - RENEW_SHARE):
            await self._mux.execute("EXPIRE", key, self._ttl)
        return Window([entry for entry in found if len(entry) == ENTRY_SIZE], lowest[0][:ENTRY_SIZE])

    async def begin_build(self, viewer: int) -> bool:
        """Take the build of a timeline that nobody is building."""
        now = time.time_ns() // 1_000_000
        arguments: list[bytes | int] = [now.to_bytes(8), (now - BUILD_LEASE_MS).to_bytes(8), BUILD_TTL_SECONDS]
        return bool(await self._run(self._begin_build, [_key(viewer)], arguments))

    async def finish_build(self, viewer: int, entries: Sequence[Entry], floor: Entry) -> None:
        """Make a timeline live."""
        await self._run(self._finish_build, [_key(viewer)], [self._length, floor, self._ttl, *entries])

    async def abandon_build(self, viewer: int) -> None:
        """Give a build up."""
        await self._run(self._abandon_build, [_key(viewer)], [])

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Push to timelines, many in one server-side call."""
        for start in range(0, len(viewers), PUSH_BATCH):
            keys = [_key(viewer) for viewer in viewers[start : start + PUSH_BATCH]]
            await self._run(self._push, keys, [entry, self._length, SLACK])

    async def backfill(self, viewer: int, entries: Sequence[Entry], floor: Entry) -> None:
        """Add an author's entries."""
        await self._run(self._backfill, [_key(viewer)], [self._length, floor, *entries])

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Take an entry out of many timelines in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers:
                pipeline.zrem(_key(viewer), entry)
            await pipeline.execute()

    async def remove_author(self, viewer: int, author_id: int) -> None:
        """Take an author's entries out."""
        await self._run(self._remove_author, [_key(viewer)], [author_id.to_bytes(8)])

    async def check(self) -> None:
        """Ask Redis."""
        await self._mux.execute("PING")

    @staticmethod
    async def _run(script: AsyncScript, keys: Sequence[str], arguments: Sequence[bytes | int]) -> int | None:
        answer: int | None = await script(keys=list(keys), args=list(arguments))
        return answer


def _key(viewer: int) -> str:
    return f"tl:{{{viewer}}}"
