"""Events that a group cannot handle for long are parked: they hold nothing up, and are retried."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.events import EventStream, Sweeper, attempt, settlement
from meshkit.events.parked import ParkedEvents
from meshkit.events.settlement import MAX_DELIVERIES
from tests.meshkit.events.bus import Heard, Outbox, consuming, dead, later_ms, new_stream, pending, until

pytestmark = pytest.mark.slow

FAST: dict[str, Any] = {"handler_limit": 0.05, "claim_idle_ms": 20, "retry_ms": 100}


@pytest.fixture(autouse=True)
def _no_short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try handlers once per delivery, to test what happens after that."""

    async def once(handler: Any, event: Any) -> None:
        await handler(event)

    monkeypatch.setattr(attempt, "_with_retries", once)


async def test_an_event_that_takes_too_long_pins_nothing(redis: "Redis", outbox: Outbox) -> None:
    """After its tries it is parked: its minute closes, its stream is trimmed, and it is handled once that works."""
    stream, works = new_stream("g"), asyncio.Event()

    async def hang(user_id: int) -> None:
        if user_id == 1:
            await works.wait()

    heard = Heard(hang)
    records = await outbox.commit_all([1, 2])
    begun = await outbox.outbox_done_before()
    sweeper = Sweeper(redis, stream, outbox)
    async with consuming(redis, stream, heard, **FAST):
        assert await sweeper.sweep(later_ms()) == 2
        await until(lambda: _has_parked(redis, stream))
        assert heard.tries.count(1) >= MAX_DELIVERIES
        assert heard.handled == [2]
        await until(lambda: _has_none_pending(redis, stream))
        await sweeper.sweep(later_ms())
        assert await outbox.outbox_done_before() > max(records[0].minute, begun)
        works.set()
        await heard.until_user(1)
        await until(lambda: _has_parked(redis, stream, 0))
    assert await dead(redis, stream) == []


@pytest.mark.parametrize("error", [UnavailableError, DeadlineExceededError])
async def test_an_outage_parks_its_events(redis: "Redis", outbox: Outbox, error: type[Exception]) -> None:
    """While a part is down or slow for long, events leave the stream and are retried, and none becomes a dead letter."""
    stream, is_down = new_stream("g"), True

    async def ask(_user_id: int) -> None:
        if is_down:
            raise error

    heard = Heard(ask)
    async with consuming(redis, stream, heard, park_after_ms=100, **FAST):
        for record in await outbox.commit_all(range(40)):
            await stream.add(redis, record)
        await until(lambda: _has_parked(redis, stream, 40))
        assert await pending(redis, stream) == 0
        is_down = False
        await heard.until(handled=40)
        await until(lambda: _has_parked(redis, stream, 0))
    assert sorted(heard.handled) == list(range(40))
    assert await dead(redis, stream) == []


@pytest.mark.parametrize("is_old", [False, True], ids=["a bug", "too old"])
async def test_a_parked_event_is_given_up(
    redis: "Redis", outbox: Outbox, monkeypatch: pytest.MonkeyPatch, is_old: bool
) -> None:
    """A parked event becomes a dead letter when its handler fails by itself, or after the outbox's retention."""
    stream = new_stream("g")

    async def fail(_user_id: int) -> None:
        if is_old or len(heard.tries) <= MAX_DELIVERIES:
            raise DeadlineExceededError
        raise ValueError("a bug")

    heard = Heard(fail)
    with capture_logs():
        async with consuming(redis, stream, heard, **FAST):
            [record] = await outbox.commit_all([1])
            await stream.add(redis, record)
            if is_old:
                await until(lambda: _has_parked(redis, stream))
                monkeypatch.setattr(settlement, "PATIENCE_MS", 0)
            await until(lambda: _is_dead(redis, stream))
    [letter] = await dead(redis, stream)
    assert (letter[b"event"], letter[b"group"], letter[b"why"]) == (record.payload, b"g", b"failed too often")
    assert await _has_parked(redis, stream, 0)


async def _has_parked(redis: "Redis", stream: EventStream, count: int = 1) -> bool:
    return await ParkedEvents(redis, stream, "g").count() == count


async def _has_none_pending(redis: "Redis", stream: EventStream) -> bool:
    return await pending(redis, stream) == 0


async def _is_dead(redis: "Redis", stream: EventStream) -> bool:
    return len(await dead(redis, stream)) == 1
