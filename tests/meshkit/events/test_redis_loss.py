"""Nothing is lost if Redis loses its data or is down. Each test has its own Valkey."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from devmesh.parts.valkey import running_valkey, valkey_command, valkey_url
from devmesh.ports import reserved_ports
from devmesh.supervise.readiness import valkey_answers
from devmesh.supervise.running import running
from meshkit.events import EventStream, Publisher, Sweeper
from meshkit.redis.client import open_redis
from tests.meshkit.events.bus import Heard, Outbox, consuming, later_ms, soon_ms

pytestmark = pytest.mark.slow

STREAM = EventStream("user", ("g",))
PASSWORD = "open-sesame"


async def test_unhandled_events_survive_a_loss_of_redis(tmp_path: Path, outbox: Outbox) -> None:
    """After FLUSHALL the sweeper adds unhandled events again, and a running consumer recreates its group."""
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


async def test_closed_minutes_are_not_sent_again(tmp_path: Path, outbox: Outbox) -> None:
    """After FLUSHALL only events of open minutes are sent, because the store knows the closed ones."""
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
    """Events lost before they were handled are sent again, although their minute had been swept."""
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        sweeper, heard = Sweeper(redis, STREAM, outbox), Heard()
        record = await outbox.commit(1)
        await sweeper.sweep(later_ms())  # the minute is completely in the stream, but not handled
        await redis.flushall()
        # A new incarnation whose group is beyond everything in the old stream.
        await redis.xadd(STREAM.key, {"something": "else"})
        await redis.xgroup_create(STREAM.key, "g", id="$")
        assert await sweeper.sweep(later_ms()) == 1
        assert await outbox.outbox_done_before() <= record.minute
        async with consuming(redis, STREAM, heard):
            await heard.until(handled=1)


async def test_a_restart_is_a_new_incarnation(tmp_path: Path) -> None:
    """A sweeper notices that Redis was restarted, or lost all its data."""
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        first = await STREAM.incarnation(redis, "a")
        assert await STREAM.incarnation(redis, "b") == first
        await redis.flushall()
        second = await STREAM.incarnation(redis, "c")
    async with running_valkey(tmp_path) as url, open_redis(url) as redis:
        third = await STREAM.incarnation(redis, "d")
    assert len({first, second, third}) == 3


async def test_everything_recovers_when_redis_comes_back(tmp_path: Path, outbox: Outbox) -> None:
    """While Redis is down commits succeed, and consumers and sweepers continue when it is back."""
    heard, stopping = Heard(), asyncio.Event()
    with reserved_ports(1) as [port]:
        async with open_redis(valkey_url(port, PASSWORD)) as redis, consuming(redis, STREAM, heard):
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
    command = valkey_command(folder, port, PASSWORD, folder / "valkey.log", os.environ)
    async with running("Valkey", command, partial(valkey_answers, port, PASSWORD)):
        yield
