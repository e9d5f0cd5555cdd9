"""A Redis that loses its data, or is away: nothing is lost by it, and everything recovers. Each test has a Valkey of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from devmesh.parts.valkey import running_valkey, valkey_command, valkey_url
from devmesh.ports import reserved_ports
from devmesh.supervise.readiness import valkey_answers
from devmesh.supervise.running import running
from meshkit.events import EventStream, Publisher, Sweeper
from meshkit.redis.client import open_redis
from tests.meshkit.events.bus import Heard, Outbox, consuming, later_ms, soon_ms

STREAM = EventStream("user", ("g",))


async def test_what_was_not_handled_survives_the_loss_of_all_data(tmp_path: Path, outbox: Outbox) -> None:
    """After FLUSHALL the outbox gives again what is not known to be done, and a running consumer makes its group again."""
    heard = Heard()
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        sweeper = Sweeper(redis, STREAM, outbox)
        async with consuming(redis, STREAM, heard):
            await outbox.commit(1)
            await sweeper.sweep(soon_ms())
            await heard.until(handled=1)
            await redis.flushall()
            await outbox.commit(2)
            assert await sweeper.sweep(soon_ms()) == 2
            await heard.until(handled=3)
    assert sorted(heard.handled) == [1, 1, 2]


async def test_minutes_that_were_done_do_not_come_again(tmp_path: Path, outbox: Outbox) -> None:
    """After FLUSHALL only events of open minutes are sent again: the store knows which minutes are done."""
    heard = Heard()
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        sweeper = Sweeper(redis, STREAM, outbox)
        async with consuming(redis, STREAM, heard):
            await outbox.commit(1)
            await sweeper.sweep(soon_ms())
            await heard.until(handled=1)
        await sweeper.sweep(later_ms())
        await redis.flushall()
        assert await sweeper.sweep(later_ms()) == 0
        assert await Sweeper(redis, STREAM, outbox).sweep(later_ms()) == 0


async def test_a_loss_closes_nothing(tmp_path: Path, outbox: Outbox) -> None:
    """Events that were in the stream, and lost before they were handled, are sent again although their minute had been swept."""
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        sweeper, heard = Sweeper(redis, STREAM, outbox), Heard()
        record = await outbox.commit(1)
        await sweeper.sweep(later_ms())  # the minute is wholly in the stream, and not handled
        await redis.flushall()
        # A new life whose group stands beyond everything that the stream of the old one held.
        await redis.xadd(STREAM.key, {"something": "else"})
        await redis.xgroup_create(STREAM.key, "g", id="$")
        assert await sweeper.sweep(later_ms()) == 1
        assert await outbox.outbox_done_before() <= record.minute
        async with consuming(redis, STREAM, heard):
            await heard.until(handled=1)


async def test_a_restart_is_a_new_life(tmp_path: Path) -> None:
    """A sweeper can tell that Redis was started anew, which may have lost the last second, or that all its data is gone."""
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        first = await STREAM.incarnation(redis, "a")
        assert await STREAM.incarnation(redis, "b") == first
        await redis.flushall()
        second = await STREAM.incarnation(redis, "c")
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        third = await STREAM.incarnation(redis, "d")
    assert len({first, second, third}) == 3


async def test_everything_recovers_when_redis_comes_back(tmp_path: Path, outbox: Outbox) -> None:
    """Consumers and sweepers that run while Redis is away, twice, go on when it is back; commits never fail meanwhile."""
    heard, stopping = Heard(), asyncio.Event()
    with reserved_ports(1) as [port]:
        async with open_redis(valkey_url(port)) as redis, consuming(redis, STREAM, heard):
            publisher = Publisher(redis, STREAM)
            sweeping = asyncio.create_task(Sweeper(redis, STREAM, outbox).run(stopping))
            for user_id in (1, 2):
                publisher.send_soon(await outbox.commit(user_id))
                await publisher.drain()
                async with _valkey(tmp_path, port):
                    await heard.until_user(user_id)
            stopping.set()
            await sweeping


@contextlib.asynccontextmanager
async def _valkey(folder: Path, port: int) -> AsyncIterator[None]:
    """Run Valkey on a port, with the data that it left there."""
    command = valkey_command(folder, port, folder / "valkey.log", os.environ)
    async with running("Valkey", command, partial(valkey_answers, port)):
        yield
