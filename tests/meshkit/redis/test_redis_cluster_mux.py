"""The multiplexed connection to a real cluster, with moving slots and hung or dead masters."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import redis.exceptions
from redis.crc import key_slot

from meshkit.redis.line import REST_SECONDS
from meshkit.redis.mux import RedisMux, open_mux
from tests.valkey_cluster import LIMIT_SECONDS, Node, ValkeyCluster, running_cluster

pytestmark = pytest.mark.slow

# One slot, whose keys the tests of moves use.
KEYS = ["{moving}:1", "{moving}:2", "{moving}:3"]
SLOT = key_slot(b"moving")


@pytest.fixture
async def mux(valkey_cluster: ValkeyCluster) -> AsyncIterator[RedisMux]:
    """Give a connection to an empty cluster."""
    await empty(valkey_cluster.masters)
    async with open_mux(valkey_cluster.url) as mux:
        yield mux


@pytest.fixture
async def knowing(mux: RedisMux) -> RedisMux:
    """Give a connection that knows the map, with the keys of one slot set."""
    await mux.execute_many([("SET", key, number) for number, key in enumerate(KEYS)])
    return mux


@pytest.fixture
async def move(valkey_cluster: ValkeyCluster) -> AsyncIterator[tuple[Node, Node]]:
    """Start moving the slot; gives source and target. It is moved back at the end."""
    source = valkey_cluster.owner(KEYS[0])
    target = valkey_cluster.other(source)
    await valkey_cluster.begin_move(SLOT, source, target)
    yield source, target
    await valkey_cluster.end_move(SLOT, source, target)
    await valkey_cluster.begin_move(SLOT, target, source)
    await valkey_cluster.end_move(SLOT, target, source)


async def empty(nodes: Iterable[Node]) -> None:
    """Empty servers."""
    for node in nodes:
        await node.ask("FLUSHALL")


async def test_commands_go_to_the_master_of_their_slot(mux: RedisMux, valkey_cluster: ValkeyCluster) -> None:
    """One call with keys of a thousand slots gets its answers in order."""
    keys: list[str | bytes] = [f"key:{number}" for number in range(1_000)]
    keys += [b"\x00{%d}\xff" % number for number in range(1_000)]
    await mux.execute_many([("SET", key, number) for number, key in enumerate(keys)])
    answers = await mux.execute_many([("INCR", key) for key in keys])
    assert answers == list(range(1, 2_001))
    assert await mux.get_many([b"key:7", b"absent", b"key:999", b"key:7"]) == [b"8", None, b"1000", b"8"]
    sizes = [await node.ask("DBSIZE") for node in valkey_cluster.masters]
    assert sum(sizes) == 2_000
    assert min(sizes) > 500


async def test_all_tasks_share_one_connection_to_each_master(mux: RedisMux, valkey_cluster: ValkeyCluster) -> None:
    """This holds even if many tasks start before there is a connection."""
    await asyncio.gather(*(mux.execute("INCR", f"key:{number % 100}") for number in range(2_000)))
    for node in valkey_cluster.masters:
        clients = str(await node.ask("CLIENT", "LIST")).splitlines()
        assert len([client for client in clients if "cmd=incr" in client]) == 1


async def test_scripts_go_to_the_master_of_their_key(mux: RedisMux) -> None:
    """A script's key follows the number of keys. Commands without keys go to any master."""
    for number in range(20):
        assert await mux.execute("EVAL", "return redis.call('INCR', KEYS[1])", 1, f"key:{number}") == 1
    assert await mux.execute("PING") == b"PONG"
    assert await mux.execute("EVAL", "return 7", 0) == 7


async def test_keys_of_several_slots_in_one_command_are_refused(mux: RedisMux) -> None:
    """This is the caller's error, not an outage; so is a command about a server."""
    with pytest.raises(redis.exceptions.ResponseError, match="same slot"):
        await mux.execute("MGET", "a", "b")
    with pytest.raises(ValueError, match="addresses one server"):
        await mux.execute("FLUSHALL")


async def test_an_error_answer_is_raised_and_affects_no_other_command(mux: RedisMux) -> None:
    """The other commands took effect on all masters."""
    others = [f"key:{number}" for number in range(10)]
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
        await mux.execute_many(
            [("SET", "text", "x"), ("LPUSH", "text", "y"), *[("SET", other, "z") for other in others]]
        )
    assert await mux.get_many([other.encode() for other in others]) == [b"z"] * 10


async def test_a_slot_that_has_moved_is_found(
    knowing: RedisMux, move: tuple[Node, Node], valkey_cluster: ValkeyCluster
) -> None:
    """A connection with an old map follows the redirection and loses nothing."""
    source, target = move
    await valkey_cluster.end_move(SLOT, source, target)
    assert await knowing.execute_many([("INCR", key) for key in KEYS]) == [1, 2, 3]
    assert await target.ask("MGET", *KEYS) == ["1", "2", "3"]


async def test_keys_of_a_moving_slot_are_found(
    knowing: RedisMux, move: tuple[Node, Node], valkey_cluster: ValkeyCluster
) -> None:
    """Keys that have moved, have not moved, or are new are all found."""
    source, target = move
    await valkey_cluster.move_keys(source, target, KEYS[1])
    commands = [(name, key) for key in [*KEYS, "{moving}:new"] for name in ("INCR", "INCR")]
    assert await knowing.execute_many(commands) == [1, 2, 2, 3, 3, 4, 1, 2]
    assert await source.ask("MGET", KEYS[0], KEYS[2]) == ["2", "4"]
    assert sorted(await target.ask("CLUSTER", "GETKEYSINSLOT", SLOT, 10)) == [KEYS[1], "{moving}:new"]


async def test_increments_during_moves_are_done_once(knowing: RedisMux, valkey_cluster: ValkeyCluster) -> None:
    """No redirection loses or repeats a write."""
    source = valkey_cluster.owner(KEYS[0])
    target = valkey_cluster.other(source)
    done = 0

    async def increment() -> None:
        nonlocal done
        while not is_over:
            await knowing.execute_many([("INCR", "{moving}:1"), ("INCR", "elsewhere"), ("INCR", "{moving}:2")])
            done += 1

    is_over = False
    tasks = [asyncio.create_task(increment()) for _ in range(10)]
    for here, there in [(source, target), (target, source)] * 3:
        await valkey_cluster.begin_move(SLOT, here, there)
        await valkey_cluster.end_move(SLOT, here, there)
    is_over = True
    await asyncio.gather(*tasks)
    assert done > 0
    found = await knowing.execute_many([("GET", "{moving}:1"), ("GET", "elsewhere"), ("GET", "{moving}:2")])
    assert [int(each) for each in found] == [done, done, done + 1]


async def test_a_command_split_by_a_move_waits(
    knowing: RedisMux, move: tuple[Node, Node], valkey_cluster: ValkeyCluster
) -> None:
    """It waits briefly; a move that does not end is an error, not a hang."""
    source, target = move
    await valkey_cluster.move_keys(source, target, KEYS[1])
    with pytest.raises(redis.exceptions.ConnectionError, match="TRYAGAIN"):
        await knowing.execute("MGET", *KEYS)
    reading = asyncio.create_task(knowing.execute("MGET", *KEYS))
    await valkey_cluster.end_move(SLOT, source, target)
    assert await reading == [b"0", b"1", b"2"]


async def test_an_unassigned_slot_is_an_error(knowing: RedisMux, valkey_cluster: ValkeyCluster) -> None:
    """Only that slot is unavailable, until a master gets it."""
    owner = valkey_cluster.owner(KEYS[0])
    await owner.ask("CLUSTER", "DELSLOTS", SLOT)
    try:
        with pytest.raises(redis.exceptions.ConnectionError):
            await knowing.execute("GET", KEYS[0])
        assert await knowing.execute("SET", "elsewhere", 1) == b"OK"
    finally:
        await owner.ask("CLUSTER", "ADDSLOTS", SLOT)
        await valkey_cluster.until_agreed()
    assert await until_it_works(lambda: knowing.execute("GET", KEYS[2])) == b"2"


async def test_credentials_are_for_every_master(valkey_cluster: ValkeyCluster) -> None:
    """The credentials of the URL are used for every master."""
    for node in valkey_cluster.masters:
        await node.ask("ACL", "SETUSER", "app", "on", ">secret", "+@all", "~*")
    hosts = valkey_cluster.url.partition("://")[2]
    async with open_mux(f"redis+cluster://app:secret@{hosts}") as allowed:
        assert await allowed.get_many([b"a", b"b", b"c", b"d"]) == [None] * 4
    async with open_mux(f"redis+cluster://app:wrong@{hosts}") as refused:
        with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
            await refused.execute("GET", "a")
    for node in valkey_cluster.masters:
        await node.ask("ACL", "DELUSER", "app")


async def test_a_url_of_the_wrong_kind_is_reported(valkey_url: str, valkey_cluster: ValkeyCluster) -> None:
    """A server's URL for a cluster, and a cluster's URL for a server, are both explained."""
    async with open_mux(valkey_url.replace("redis://", "redis+cluster://")) as mux:
        with pytest.raises(redis.exceptions.ResponseError, match="is not a cluster"):
            await mux.execute("GET", "a")
    async with open_mux(f"redis://{valkey_cluster.masters[0].address}") as mux:
        with pytest.raises(redis.exceptions.ResponseError, match=r"begin with redis\+cluster"):
            await mux.get_many([b"a"]) + await mux.get_many([b"b"]) + await mux.get_many([b"c"])


async def test_an_unreachable_cluster_is_a_connection_error() -> None:
    """And not a hang; calls right after the first do not even try."""
    async with open_mux("redis+cluster://127.0.0.1:1,127.0.0.1:2") as mux:
        for _ in range(3):
            with pytest.raises(redis.exceptions.ConnectionError, match=r"cannot be reached|a moment ago"):
                await mux.execute("GET", "a")


async def test_one_live_seed_is_enough(valkey_cluster: ValkeyCluster) -> None:
    """A process can start while the other named nodes are down."""
    async with open_mux(f"redis+cluster://127.0.0.1:1,{valkey_cluster.masters[1].address}") as mux:
        assert await mux.get_many([b"a", b"b", b"c", b"d"]) == [None] * 4


async def test_a_hung_master_costs_one_timeout(knowing: RedisMux, valkey_cluster: ValkeyCluster) -> None:
    """Later calls to its slots fail at once until it is back; other slots are not affected."""
    owner = valkey_cluster.owner(KEYS[0])
    elsewhere = next(key for key in map(str, range(100)) if valkey_cluster.owner(key) is not owner)
    os.kill(valkey_cluster.pids[owner], signal.SIGSTOP)
    try:
        with pytest.raises(redis.exceptions.TimeoutError):
            await knowing.execute("GET", KEYS[0])
        with pytest.raises(redis.exceptions.ConnectionError, match="a moment ago"):
            await knowing.execute("GET", KEYS[0])
        assert await knowing.execute("SET", elsewhere, 1) == b"OK"
        assert await knowing.execute("PING") == b"PONG"
    finally:
        os.kill(valkey_cluster.pids[owner], signal.SIGCONT)
    assert await until_it_works(lambda: knowing.execute("GET", KEYS[1])) == b"1"
    await valkey_cluster.until_agreed()


async def test_dead_masters_are_replaced_or_reported(tmp_path: Path) -> None:
    """The replica of one master takes over, and the other is back after its restart. Nothing hangs."""
    async with running_cluster(tmp_path, with_replica=True) as cluster, open_mux(cluster.url) as mux:
        first, second, third = (
            [key for key in map(str, range(200)) if cluster.owner(key) is node] for node in cluster.masters
        )
        await mux.execute_many([("SET", key, key) for key in first + second + third])
        assert cluster.replica is not None
        await cluster.masters[0].ask("WAIT", 1, 5_000)
        os.kill(cluster.pids[cluster.masters[0]], signal.SIGKILL)
        with pytest.raises(redis.exceptions.ConnectionError):
            await mux.execute("GET", first[0])
        assert await mux.execute("GET", second[0]) == second[0].encode()
        found = await until_it_works(lambda: mux.execute_many([("GET", key) for key in first + second]))
        assert found == [key.encode() for key in first + second]

        os.kill(cluster.pids[cluster.masters[2]], signal.SIGKILL)
        with pytest.raises(redis.exceptions.ConnectionError):
            await mux.execute_many([("GET", key) for key in first + third])
        found = await mux.get_many([key.encode() for key in first + third])
        assert found == [key.encode() for key in first] + [None] * len(third)
        with pytest.raises(redis.exceptions.ConnectionError):
            await mux.get_many([key.encode() for key in third])
        async with cluster.masters[2].running():
            assert await until_it_works(lambda: mux.get_many([third[0].encode()])) == [third[0].encode()]


async def until_it_works(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until there is an answer."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            with contextlib.suppress(redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                return await ask()
            await asyncio.sleep(REST_SECONDS / 4)
