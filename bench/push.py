"""What a push costs Valkey, by the length of the timelines."""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from bench.figures import Figure, Goal
from bench.harness import Run
from bench.timelines import copy_to, entry_of
from devmesh.parts.valkey import running_valkey
from feed_svc.model import LOWEST, LogPosition, Window
from feed_svc.store.timelines import RedisTimelines
from meshkit.ids import new_id
from meshkit.redis.client import open_redis
from meshkit.redis.mux import open_mux

LENGTHS = (100, 500, 1_000)
# More than the pushes of a run, so that none is cut.
SLACK = 1_000
AUTHOR = 3
MICROSECONDS = 1e6


async def measure(run: Run) -> Sequence[Figure]:
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
