"""Real workers with a real graph behind them, killed in the middle of a large fan-out."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from lensfeed.events.v1 import event_pb2
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from pydantic import SecretStr
from redis.asyncio import Redis

from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Child, Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running as running_command
from feed_svc import app as feed_app
from feed_svc.events import FAN_OUT, GROUP
from feed_svc.model import entry_of
from feed_svc.settings import FeedSettings, WorkSettings
from feed_svc.store.timelines import key_of
from follow_svc import app as follow_app
from follow_svc.settings import FollowSettings
from follow_svc.store.sqlite import MIGRATIONS
from meshkit.events import EventStream, new_record
from meshkit.events.consumer import CLAIM_IDLE_MS
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.grpc.server import running
from meshkit.ids import new_id
from meshkit.sqlite import open_database
from meshkit.telemetry.catalog import FAN_OUT_LAG
from post_svc import app as post_app
from post_svc.settings import ServeSettings
from tests.follow_svc.graph_stores import write_follows
from tests.meshkit.telemetry.collector import running_collector

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
NOWHERE = "127.0.0.1:1"
KEYS = SecretStr("a key of the tests")
STAR = 9_001
FOLLOWERS = range(1, 40_001)
# Most viewers have no live timeline.
LIVE = FOLLOWERS[::8]
LIMIT_SECONDS = 90.0


@pytest.fixture
async def settings(tmp_path: Path, feed_redis_url: str) -> AsyncIterator[WorkSettings]:
    """Give a worker's settings, with a follow_svc in which one author has very many followers, and a post_svc."""
    async with open_database(tmp_path / "follow_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        await write_follows(database, [(follower, STAR) for follower in FOLLOWERS])
    common: Any = {"sqlite_dir": tmp_path, "redis_url": feed_redis_url, "cursor_keys": KEYS}
    follow = FollowSettings(user_addr=NOWHERE, **common)
    post = ServeSettings(media_addr=NOWHERE, **common)
    async with (
        follow_app.serving_process(follow) as follow_process,
        running(follow_process, follow) as follow_addr,
        post_app.serving_process(post) as post_process,
        running(post_process, post) as post_addr,
    ):
        yield WorkSettings(redis_url=feed_redis_url, follow_addr=follow_addr, post_addr=post_addr, user_addr=NOWHERE)


@contextlib.asynccontextmanager
async def worker(settings: WorkSettings, folder: Path, index: int, **more: str) -> AsyncIterator[Child]:
    """Run `python -m feed_svc work` with an index and extra environment."""
    with reserved_ports(1) as [port]:
        env = {
            **os.environ,
            "LENSFEED_LISTEN_ADDR": address(port),
            "LENSFEED_REDIS_URL": settings.redis_url,
            "LENSFEED_FOLLOW_ADDR": settings.follow_addr,
            "LENSFEED_POST_ADDR": settings.post_addr,
            "LENSFEED_USER_ADDR": settings.user_addr,
            "LENSFEED_WORKER_INDEX": str(index),
            **more,
        }
        command = Command((sys.executable, "-m", "feed_svc", "work"), env, ROOT, folder / f"worker-{index}.log")
        async with running_command("the worker", command, partial(grpc_serving, port)) as child:
            yield child


async def make_live(settings: WorkSettings, redis: "Redis") -> None:
    """Make the timelines of LIVE live: one by a read, the others as copies of it."""
    reading = FeedSettings(**settings.model_dump(include=set(FeedSettings.model_fields)), cursor_keys=KEYS)
    async with (
        feed_app.serving_process(reading) as process,
        running(process, reading) as addr,
        grpc.aio.insecure_channel(addr) as channel,
    ):
        await FeedServiceStub(channel).GetFeed(GetFeedRequest(), metadata=(("x-user-id", str(LIVE[0])),))
    timeline = await redis.dump(key_of(LIVE[0]))
    assert timeline is not None
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in LIVE[1:]:
            pipeline.restore(key_of(viewer), 600_000, timeline)
        assert all(await pipeline.execute())


async def without(redis: "Redis", entry: bytes) -> int:
    """Return how many live timelines lack an entry."""
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in LIVE:
            pipeline.lrange(key_of(viewer), 0, -2)
        return sum(entry not in entries for entries in await pipeline.execute())


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds in Redis."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await holds():  # noqa: ASYNC110 - Redis raises no event here
            await asyncio.sleep(0.005)


async def kill_at(redis: "Redis", settings: WorkSettings, folder: Path, index: int, chunks: int) -> None:
    """Run a worker until a number of chunks were added, and kill it while it handles some."""

    async def is_under_way() -> bool:
        return await redis.xlen(FAN_OUT.key) >= chunks

    async with worker(settings, folder, index) as killed:
        await until(is_under_way)
        killed.kill()
        assert await killed.exited() < 0
    pending: Any = await redis.xpending_range(FAN_OUT.key, GROUP, "-", "+", 10)
    assert pending
    # Skip the time after which others take over pending entries.
    for each in pending:
        ids: Any = [each["message_id"]]
        await redis.xclaim(FAN_OUT.key, GROUP, each["consumer"], 0, ids, idle=CLAIM_IDLE_MS, justid=True)


async def test_a_fan_out_survives_killed_workers(settings: WorkSettings, redis: "Redis", tmp_path: Path) -> None:
    """Another worker takes over from a killed one, and a restarted worker completes and measures the fan-out."""
    await make_live(settings, redis)
    place = new_id()
    entry = entry_of(place, STAR)

    async def is_done() -> bool:
        groups = await redis.xinfo_groups(FAN_OUT.key)
        return [(group["pending"], group["lag"]) for group in groups] == [(0, 0)]

    record = new_record(event_pb2.PostPublished(author_id=STAR, place=place))
    await EventStream("post").add(redis, record)
    await kill_at(redis, settings, tmp_path, 0, chunks=2)
    missing = await without(redis, entry)
    assert 0 < missing < len(LIVE)
    await kill_at(redis, settings, tmp_path, 1, chunks=4)
    assert 0 < await without(redis, entry) <= missing
    async with running_collector() as collector:
        async with worker(settings, tmp_path, 0, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint):
            await until(is_done)
        assert FAN_OUT_LAG.name in {name for _, name in collector.metrics}
    assert await without(redis, entry) == 0
