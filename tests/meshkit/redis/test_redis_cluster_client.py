"""The cluster client behaves like the client of one server, on a real cluster."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.exceptions
from redis.asyncio import Redis
from redis.crc import key_slot

from meshkit.redis.client import MAX_CONNECTIONS, check_redis, open_redis
from tests.valkey_cluster import LIMIT_SECONDS, ValkeyCluster, running_cluster

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def cluster(valkey_cluster: ValkeyCluster) -> AsyncIterator["Redis"]:
    """Give a client of an empty cluster."""
    async with open_redis(valkey_cluster.url) as client:
        await client.flushall()
        yield client


async def test_a_pipeline_takes_keys_of_all_slots(cluster: "Redis") -> None:
    """Its answers are in order."""
    async with cluster.pipeline(transaction=False) as pipeline:
        for number in range(300):
            pipeline.set(f"key:{number}", number)
        for number in range(300):
            pipeline.get(f"key:{number}")
        answers = await pipeline.execute()
    assert answers[300:] == [str(number).encode() for number in range(300)]
    assert await cluster.dbsize() == 300
    assert len([key async for key in cluster.scan_iter("key:*")]) == 300


async def test_a_transaction_takes_keys_of_one_slot(cluster: "Redis") -> None:
    """It is executed completely or not at all."""
    async with cluster.pipeline(transaction=True) as pipeline:
        pipeline.xadd("{a}:stream", {"field": 1})
        pipeline.set("{a}:key", 2)
        assert len(await pipeline.execute()) == 2


async def test_a_script_is_loaded_wherever_it_is_needed(cluster: "Redis") -> None:
    """Each master has its own scripts."""
    script = cluster.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert [await script(keys=[f"key:{number}"], args=[number]) for number in range(20)] == list(range(20))


async def test_a_blocking_read_gets_new_entries(cluster: "Redis") -> None:
    """While it waits, other commands are executed."""
    await cluster.xgroup_create("events:{x}", "g", id="0", mkstream=True)
    reading: asyncio.Future[Any] = asyncio.ensure_future(cluster.xreadgroup("g", "m", {"events:{x}": ">"}, block=4_000))
    await asyncio.sleep(0.1)
    await cluster.xadd("events:{x}", {"field": "value"})
    assert await reading
    assert await cluster.xreadgroup("g", "m", {"events:{x}": ">"}, block=10) in ([], {})


async def test_commands_and_pipelines_follow_a_slot_that_moves(cluster: "Redis", valkey_cluster: ValkeyCluster) -> None:
    """Scripts follow as well, although the new master does not know them yet."""
    slot = key_slot(b"moving")
    source = valkey_cluster.owner("moving")
    target = valkey_cluster.other(source)
    script = cluster.register_script("return redis.call('INCR', KEYS[1])")
    assert await script(keys=["moving"]) == 1
    await valkey_cluster.begin_move(slot, source, target)
    await valkey_cluster.end_move(slot, source, target)
    try:
        async with cluster.pipeline(transaction=False) as pipeline:
            pipeline.incr("moving")
            pipeline.incr("elsewhere")
            assert await pipeline.execute() == [2, 1]
        assert await script(keys=["moving"]) == 3
    finally:
        await valkey_cluster.begin_move(slot, target, source)
        await valkey_cluster.end_move(slot, target, source)
    assert await cluster.incr("moving") == 4


@pytest.mark.parametrize("kind", ["one server", "three masters"])
async def test_a_burst_waits_for_connections_instead_of_opening_hundreds(
    kind: str, valkey_url: str, valkey_cluster: ValkeyCluster
) -> None:
    """No command of the burst is refused."""
    async with open_redis(valkey_url if kind == "one server" else valkey_cluster.url) as client:
        await client.delete("{burst}:counter")
        answers = await asyncio.gather(*(client.incr("{burst}:counter") for _ in range(1_000)))
        assert sorted(answers) == list(range(1, 1_001))
        owner = valkey_cluster.owner("{burst}:counter")
        clients = str(await owner.ask("CLIENT", "LIST")) if kind != "one server" else str(await client.client_list())
        assert clients.count("incr") <= MAX_CONNECTIONS


async def test_an_unreachable_cluster_is_a_connection_error() -> None:
    """For commands, pipelines and the health check: the loops that wait for Redis know that one."""
    async with open_redis("redis+cluster://127.0.0.1:1") as client:
        with pytest.raises(redis.exceptions.ConnectionError):
            await client.get("key")
        with pytest.raises(redis.exceptions.ConnectionError):
            await check_redis(client)()
        with pytest.raises(redis.exceptions.ConnectionError):
            await set_by_pipeline(client, "key", "value")


async def test_after_a_failover_commands_and_pipelines_find_the_new_master(tmp_path: Path) -> None:
    """Until then they raise ConnectionError, and slots of other masters keep working."""
    async with running_cluster(tmp_path, with_replica=True) as cluster:
        lost = next(key for key in map(str, range(100)) if cluster.owner(key) is cluster.masters[0])
        kept = next(key for key in map(str, range(100)) if cluster.owner(key) is cluster.masters[1])
        async with open_redis(cluster.url) as by_commands, open_redis(cluster.url) as by_pipelines:
            for client in (by_commands, by_pipelines):
                await client.mget(lost)
                await client.set(kept, "here")
            os.kill(cluster.pids[cluster.masters[0]], signal.SIGKILL)
            with pytest.raises(redis.exceptions.ConnectionError):
                await by_commands.set(lost, "too soon")
            assert await by_commands.get(kept) == b"here"
            await until_done(lambda: by_commands.set(lost, "by command"))
            await until_done(lambda: set_by_pipeline(by_pipelines, lost, "by pipeline"))
            assert await by_commands.get(lost) == b"by pipeline"


async def set_by_pipeline(client: "Redis", key: str, value: str) -> None:
    """Set a key."""
    async with client.pipeline(transaction=False) as pipeline:
        pipeline.set(key, value)
        await pipeline.execute()


async def until_done(do: Callable[[], Awaitable[Any]]) -> None:
    """Retry until it succeeds."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            with contextlib.suppress(redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                await do()
                return
            await asyncio.sleep(0.1)


async def test_a_burst_of_first_commands_is_done_once_each(valkey_cluster: ValkeyCluster) -> None:
    """No command suffers while others load the map."""
    async with open_redis(valkey_cluster.url) as client:
        await client.flushall()
    async with open_redis(valkey_cluster.url) as client:
        script = "return redis.call('INCR', KEYS[1])"
        answers = await asyncio.gather(*(client.eval(script, 1, f"key:{number % 5}") for number in range(200)))
        assert sorted(answers) == sorted(list(range(1, 41)) * 5)


async def test_commands_while_a_slot_moves_are_done_once_or_not_at_all(
    cluster: "Redis", valkey_cluster: ValkeyCluster
) -> None:
    """redis-py may fail commands whose ASKING went to another connection; none of these is executed."""
    slot = key_slot(b"moving")
    source = valkey_cluster.owner("moving")
    target = valkey_cluster.other(source)
    await valkey_cluster.begin_move(slot, source, target)
    try:
        one_by_one = [await cluster.incr("{moving}:a") for _ in range(5)]
        at_once = await asyncio.gather(*(cluster.incr("{moving}:a") for _ in range(100)), return_exceptions=True)
    finally:
        await valkey_cluster.end_move(slot, source, target)
        await valkey_cluster.begin_move(slot, target, source)
        await valkey_cluster.end_move(slot, target, source)
    done = [answer for answer in at_once if isinstance(answer, int)]
    failed = [answer for answer in at_once if not isinstance(answer, int)]
    assert one_by_one == [1, 2, 3, 4, 5]
    assert sorted(done) == list(range(6, 6 + len(done)))
    assert {type(each) for each in failed} <= {redis.exceptions.ConnectionError}
    assert await cluster.incr("{moving}:a") == 6 + len(done)
