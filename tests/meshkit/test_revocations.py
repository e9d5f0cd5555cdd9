"""Every process learns of ended sessions and refuses their tokens."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from meshkit.redis.client import open_redis
from meshkit.revocations import KEY, Revocations


@pytest.fixture
async def book(valkey_url: str) -> AsyncIterator["Redis"]:
    """Give a Redis without ended sessions."""
    async with open_redis(valkey_url) as redis:
        await redis.delete(KEY)
        yield redis
        await redis.delete(KEY)


async def test_other_processes_learn_of_ended_sessions(book: "Redis") -> None:
    """This includes a process that starts later, and one that knows other sessions already."""
    writer, early = Revocations(book), Revocations(book)
    until = int(time.time()) + 900
    await writer.add("first", until)
    await early.poll()
    await writer.add("second", until + 1)
    await early.poll()
    late = Revocations(book)
    await late.poll()
    for each in (writer, early, late):
        assert each.has("first")
        assert each.has("second")
        assert not each.has("third")
        assert not each.has(None)


async def test_a_session_is_forgotten_when_its_last_token_has_expired(book: "Redis") -> None:
    """It is removed from memory and from Redis."""
    clock = [time.time()]
    revocations = Revocations(book, lambda: clock[0])
    await revocations.add("short", int(clock[0]) + 10)
    clock[0] += 11
    await revocations.add("later", int(clock[0]) + 900)
    await revocations.poll()
    assert not revocations.has("short")
    assert await book.zrange(KEY, 0, -1) == [b"later"]


async def test_without_redis_a_log_out_still_works_and_is_known_here() -> None:
    """Writing never fails, and the process that wrote refuses the session itself."""
    async with open_redis("redis://127.0.0.1:1/0") as nobody:
        revocations = Revocations(nobody)
        await revocations.add("alone", int(time.time()) + 900)
        assert revocations.has("alone")
        stopping = asyncio.Event()
        running = asyncio.create_task(revocations.run(stopping))
        await asyncio.sleep(0.1)
        stopping.set()
        await running
