"""Creates many full home timelines without reading each feed, and measures what a push to them costs Redis."""

import asyncio
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bench.figures import Figure, Goal
from bench.harness import Run
from devmesh.parts.valkey import running_valkey
from feed_svc.model import LOWEST, LogPosition, Window
from feed_svc.store.timelines import RedisTimelines
from meshkit.ids import PublicId, new_id
from meshkit.redis.client import open_redis
from meshkit.redis.mux import open_mux

# What is before the pulled authors in a timeline's marker, and one of these.
MARKER_SIZE = 64
PULLED_SIZE = 8
# Where the token of its builder is in a marker, and what is there once the timeline is live.
TOKEN, LIVE = slice(32, 40), bytes(8)
# Of timelines that are pushed to.
LENGTHS = (100, 500, 1_000)
# More than the pushes of a run, so that none is cut.
SLACK = 1_000
AUTHOR = 3
MICROSECONDS = 1e6


def key_of(viewer: int) -> str:
    """Return the key of a viewer's home timeline."""
    return f"timeline:{{{viewer}}}"


def entry_of(place: int, author: int) -> bytes:
    """Return the timeline entry of a post."""
    return PublicId(place, author).pack()


async def add_entry(redis: "Redis", viewers: Sequence[int], entry: bytes) -> None:
    """Add the newest entry to timelines, as a push does."""
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in viewers:
            pipeline.lpush(key_of(viewer), entry)
        await pipeline.execute()


async def bytes_an_entry(redis: "Redis", viewer: int) -> float:
    """Return the memory of a timeline, including its key, per entry."""
    entries = await redis.llen(key_of(viewer)) - 1
    return (await redis.memory_usage(key_of(viewer), samples=0) or 0) / entries


async def pulled_by(redis: "Redis", viewer: int) -> int:
    """Return how many authors a viewer pulls."""
    marker = await redis.lindex(key_of(viewer), -1) or b""
    return (len(marker) - MARKER_SIZE) // PULLED_SIZE


async def until_live(redis: "Redis", viewer: int) -> None:
    """Wait until a viewer's timeline is live: it may be built behind the first page."""
    while not await _is_live(redis, viewer):  # noqa: ASYNC110 - another process raises no event here
        await asyncio.sleep(0.005)


async def _is_live(redis: "Redis", viewer: int) -> bool:
    marker: Any = await redis.lindex(key_of(viewer), -1) or b""
    return bool(marker[TOKEN] == LIVE)


async def copy_to(redis: "Redis", model: int, viewers: Sequence[int]) -> None:
    """Copy a viewer's timeline to other viewers."""
    for start in range(0, len(viewers), 1_000):
        async with redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers[start : start + 1_000]:
                pipeline.copy(key_of(model), key_of(viewer), replace=True)
            await pipeline.execute()


async def measure_push(run: Run) -> Sequence[Figure]:
    """Measure the CPU time of a push to timelines of several lengths."""
    viewers = range(run.size(3_000, 300))
    with tempfile.TemporaryDirectory() as temporary:
        async with running_valkey(Path(temporary)) as url, open_redis(url) as redis, open_mux(url) as mux:
            samples = []
            for length in LENGTHS:
                run.say(f"{len(viewers):,} timelines of {length:,} entries")
                timelines = RedisTimelines(mux, ttl_seconds=3_600, length=length, slack=SLACK)
                await _fill(redis, timelines, viewers, length)
                samples.append(await run.in_turn(partial(_push_all, redis, timelines, viewers)))
    return [
        Figure(
            f"push_cpu_{length}",
            f"CPU time of Valkey for a push to a timeline of {length:,} entries",
            "µs",
            each,
            goal=Goal("at most", 4),
        )
        for length, each in zip(LENGTHS, samples, strict=True)
    ]


async def _fill(redis: "Redis", timelines: RedisTimelines, viewers: Sequence[int], length: int) -> None:
    await redis.flushdb()
    token = await timelines.begin_build(viewers[0], LogPosition(bytes(8), 0), 0)
    assert token  # noqa: S101 - the server is empty
    entries = [entry_of(place, AUTHOR) for place in sorted((new_id() for _ in range(length)), reverse=True)]
    await timelines.finish_build(viewers[0], token, Window(entries, LOWEST), [])
    await copy_to(redis, viewers[0], viewers[1:])


async def _push_all(redis: "Redis", timelines: RedisTimelines, viewers: Sequence[int]) -> float:
    before = await _cpu_seconds(redis)
    await timelines.push(viewers, entry_of(new_id(), AUTHOR))
    return (await _cpu_seconds(redis) - before) / len(viewers) * MICROSECONDS


async def _cpu_seconds(redis: "Redis") -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user_main_thread"]) + float(used["used_cpu_sys_main_thread"])
