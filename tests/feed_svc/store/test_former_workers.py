"""A serving process waits until no worker of the version before runs."""

import asyncio

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from feed_svc.events import GROUP, STREAMS
from feed_svc.store import former_workers
from feed_svc.store.former_workers import FormerWorkersError, name_of, wait_for_former_workers

pytestmark = pytest.mark.slow

FORMER = "host-0"
KEYS = [stream.key for stream in STREAMS]


async def read_as(redis: "Redis", member: str) -> None:
    """Ask for events as a worker does."""
    for stream in STREAMS:
        await redis.xgroup_create(stream.key, GROUP, id="0", mkstream=True)
        await redis.xreadgroup(GROUP, member, {stream.key: ">"}, count=1)


async def test_nothing_delays_a_new_mesh(redis: "Redis") -> None:
    """Without streams, and with workers of this version only, there is nothing to wait for."""
    await wait_for_former_workers(redis, GROUP, KEYS)
    await read_as(redis, name_of(FORMER))
    await wait_for_former_workers(redis, GROUP, KEYS)


async def test_a_running_former_worker_is_refused(redis: "Redis") -> None:
    """The error names the worker to stop."""
    await read_as(redis, FORMER)
    with capture_logs() as logs, pytest.raises(FormerWorkersError, match=FORMER):
        await wait_for_former_workers(redis, GROUP, KEYS, 0.1)
    assert {log["event"] for log in logs} == {"former_workers_running"}


async def test_a_stopped_former_worker_is_waited_for(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a worker has been silent for a while it counts as stopped."""
    monkeypatch.setattr(former_workers, "SILENT_MS", 50)
    monkeypatch.setattr(former_workers, "POLL_SECONDS", 0.01)
    await read_as(redis, FORMER)
    async with asyncio.timeout(30):
        await wait_for_former_workers(redis, GROUP, KEYS)


async def test_a_serving_process_starts_without_redis() -> None:
    """Feeds come from the store then."""
    async with Redis(port=9) as away:
        await wait_for_former_workers(away, GROUP, KEYS)
