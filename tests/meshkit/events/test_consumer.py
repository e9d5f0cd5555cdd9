"""Consumers handle each event at least once and isolate failing ones."""

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from redis.asyncio import Redis
from structlog.testing import capture_logs

from meshkit.errors import UnavailableError
from meshkit.events import EventStream, OutboxRecord
from meshkit.events.settlement import MAX_DELIVERIES
from meshkit.events.stream import PAYLOAD_FIELD
from tests.meshkit.events.bus import Heard, Outbox, consuming, dead, new_stream, pending, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_waiting() -> Any:
    """Try handlers once per delivery, without logging, to test what happens after that."""
    with stamina.set_testing(True, attempts=1), capture_logs():
        yield


async def _send(redis: "Redis", stream: EventStream, outbox: Outbox, *user_ids: int) -> list[OutboxRecord]:
    records = [await outbox.commit(user_id) for user_id in user_ids]
    for record in records:
        await stream.add(redis, record)
    return records


async def test_every_group_gets_every_event(redis: "Redis", outbox: Outbox) -> None:
    """Each of two groups gets each event once, however many members it has, and acknowledges it."""
    stream, one, other = new_stream("one", "other"), Heard(), Heard()
    async with (
        consuming(redis, stream, one, group="one", member="a", at_once=2),
        consuming(redis, stream, one, group="one", member="b", at_once=2),
        consuming(redis, stream, other, group="other"),
    ):
        await _send(redis, stream, outbox, *range(1, 21))
        await one.until(handled=20)
        await other.until(handled=20)
    assert sorted(one.handled) == sorted(other.handled) == list(range(1, 21))
    assert await pending(redis, stream, "one") == await pending(redis, stream, "other") == 0


async def test_a_new_group_gets_earlier_events(redis: "Redis", outbox: Outbox) -> None:
    """A new group begins with the oldest existing event."""
    stream, heard = new_stream(), Heard()
    await _send(redis, stream, outbox, 1, 2)
    async with consuming(redis, stream, heard):
        await heard.until(handled=2)
    assert heard.handled == [1, 2]


async def test_a_handlers_call_identifies_its_event(redis: "Redis", outbox: Outbox) -> None:
    """Logs and child calls of a handler carry the event's id, and child calls end before the handler must."""
    stream, heard = new_stream(), Heard()
    async with consuming(redis, stream, heard, handler_limit=5.0):
        [record] = await _send(redis, stream, outbox, 1)
        await heard.until(handled=1)
    [call] = heard.calls
    assert call.request_id == f"event-{record.event_id}"
    assert call.deadline is not None
    assert call.deadline <= time.monotonic() + 5.0


async def test_a_failed_event_is_delivered_again(redis: "Redis", outbox: Outbox) -> None:
    """A failed event is delivered again later and does not delay the others."""
    stream = new_stream()

    async def fail_at_first(user_id: int) -> None:
        if heard.tries.count(user_id) == 1 and user_id == 1:
            raise ValueError("not yet")

    heard = Heard(fail_at_first)
    await _send(redis, stream, outbox, 1, 2)
    async with consuming(redis, stream, heard):
        await heard.until(handled=2)
    assert heard.handled == [2, 1]
    assert await pending(redis, stream) == 0
    assert await dead(redis, stream) == []


async def test_a_slow_event_delays_no_other(redis: "Redis", outbox: Outbox) -> None:
    """While one handler is slow, all later events are handled and acknowledged."""
    stream, go_on = new_stream(), asyncio.Event()

    async def wait(user_id: int) -> None:
        if user_id == 1:
            await go_on.wait()

    heard = Heard(wait)
    async with consuming(redis, stream, heard, at_once=2, claim_idle_ms=600_000):
        await _send(redis, stream, outbox, *range(1, 41))
        await heard.until(handled=39)
        await until(lambda: _are_pending(redis, stream, 1))
        assert 1 not in heard.handled
        go_on.set()
        await heard.until(handled=40)
    assert sorted(heard.handled) == list(range(1, 41))
    assert await pending(redis, stream) == 0


async def test_concurrent_events_are_limited(redis: "Redis", outbox: Outbox) -> None:
    """The limit holds for new events, for a member's own earlier ones and for claimed ones."""
    stream, most = new_stream(), 0

    async def count(_user_id: int) -> None:
        nonlocal most
        most = max(most, len(heard.tries) - len(heard.handled))
        await asyncio.sleep(0.002)

    heard = Heard(count)
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    await _send(redis, stream, outbox, *range(30))
    for member in ("m", "another"):
        await redis.xreadgroup("g", member, {stream.key: ">"}, count=10)
    async with consuming(redis, stream, heard, at_once=3):
        await heard.until(handled=30)
    assert sorted(heard.handled) == list(range(30))
    assert most == 3


async def test_running_handlers_are_not_started_again(redis: "Redis", outbox: Outbox) -> None:
    """A consumer that reads its own entries again after an outage leaves running handlers alone."""
    stream, go_on = new_stream(), asyncio.Event()

    async def wait(_user_id: int) -> None:
        await go_on.wait()

    async def is_read_again() -> bool:
        """Delete and restore the stream, so that the consumer probably reads it in between."""
        whole = await redis.dump(stream.key)
        assert whole is not None
        await redis.delete(stream.key)
        await redis.restore(stream.key, 0, whole, replace=True)
        held: Any = await redis.xpending_range(stream.key, "g", "-", "+", 2)
        return [entry["times_delivered"] > 1 for entry in held] == [True]

    heard = Heard(wait)
    async with consuming(redis, stream, heard, claim_idle_ms=600_000):
        await _send(redis, stream, outbox, 1)
        await heard.until(tries=1)
        await until(is_read_again)
        go_on.set()
        await heard.until(handled=1)
        await _send(redis, stream, outbox, 2)
        await heard.until(handled=2)
    assert heard.tries == [1, 2]


async def test_an_event_that_always_fails_becomes_a_dead_letter(redis: "Redis", outbox: Outbox) -> None:
    """After MAX_DELIVERIES an event goes to the dead letters with its group and reason, and the rest continues."""
    stream = new_stream()

    async def fail(user_id: int) -> None:
        if user_id == 1:
            raise ValueError("never")

    heard = Heard(fail)
    [record, *_] = await _send(redis, stream, outbox, 1, 2)
    async with consuming(redis, stream, heard, claim_idle_ms=30):
        await until(lambda: _is_dead(redis, stream, 1))
        await _send(redis, stream, outbox, 3)
        await heard.until(handled=2)
    assert heard.handled == [2, 3]
    assert heard.tries.count(1) == MAX_DELIVERIES
    [letter] = await dead(redis, stream)
    assert letter[PAYLOAD_FIELD] == record.payload
    assert (letter[b"group"], letter[b"why"]) == (b"g", b"failed too often")
    assert await pending(redis, stream) == 0


async def test_an_outage_creates_no_dead_letters(redis: "Redis", outbox: Outbox) -> None:
    """While a part that the handler needs is down, an event is retried, and handled once the part is back."""
    stream = new_stream()

    async def fail_long(user_id: int) -> None:
        if len(heard.tries) < 3 * MAX_DELIVERIES:
            raise UnavailableError

    heard = Heard(fail_long)
    async with consuming(redis, stream, heard, claim_idle_ms=30):
        await _send(redis, stream, outbox, 1)
        await heard.until(handled=1)
    assert len(heard.tries) == 3 * MAX_DELIVERIES
    assert await dead(redis, stream) == []
    assert await pending(redis, stream) == 0


async def test_a_hung_handler_is_cancelled(redis: "Redis", outbox: Outbox) -> None:
    """A handler that exceeds its limit is cancelled, and the event is delivered again."""
    stream = new_stream()

    async def hang_at_first(_user_id: int) -> None:
        if len(heard.tries) == 1:
            await asyncio.Event().wait()

    heard = Heard(hang_at_first)
    async with consuming(redis, stream, heard, handler_limit=0.05):
        await _send(redis, stream, outbox, 1)
        await heard.until(handled=1)
    assert heard.tries == [1, 1]


@pytest.mark.parametrize(
    "fields",
    [{PAYLOAD_FIELD: b"\xff\xff"}, {PAYLOAD_FIELD: b""}, {b"something": b"else"}],
    ids=["no message", "no payload", "no field"],
)
async def test_an_invalid_entry_becomes_a_dead_letter_at_once(fields: Any, redis: "Redis", outbox: Outbox) -> None:
    """An entry that is not an event goes to the dead letters without an attempt, and others are handled."""
    stream, heard = new_stream(), Heard()
    await _send(redis, stream, outbox, 1)
    poison: Any = await redis.xadd(stream.key, fields)
    await _send(redis, stream, outbox, 2)
    async with consuming(redis, stream, heard):
        await heard.until(handled=2)
        await until(lambda: _is_dead(redis, stream, 1))
    assert heard.handled == [1, 2]
    [letter] = await dead(redis, stream)
    assert (letter[b"why"], letter[b"entry"]) == (b"no event", poison)
    assert await pending(redis, stream) == 0


async def test_events_of_a_killed_member_are_taken_over(redis: "Redis", outbox: Outbox, bus_url: str) -> None:
    """An event that a process was handling when it was killed goes to another member."""
    stream, heard = new_stream(), Heard()
    async with _hanging_consumer(bus_url, stream) as process:
        await _send(redis, stream, outbox, 7)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"7\n"
        process.kill()
        assert await process.wait() < 0
    assert await pending(redis, stream) == 1
    async with consuming(redis, stream, heard, member="another"):
        await heard.until(handled=1)
    assert heard.handled == [7]
    assert await pending(redis, stream) == 0


async def test_an_event_that_kills_its_worker_takes_no_other_along(
    redis: "Redis", outbox: Outbox, bus_url: str
) -> None:
    """Whatever else its worker had in hand is handled. It is given up itself, after MAX_DELIVERIES deaths."""
    stream, killer, heard = new_stream(), 3, Heard()
    records = await _send(redis, stream, outbox, 1, 2, killer, 4, 5)
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    # Two deaths with all in hand: nobody can tell whose fault it was.
    for position in (">", "0"):
        await redis.xreadgroup("g", "m", {stream.key: position})
    async with _mortal_consumer(bus_url, stream, killer) as process:
        assert await process.wait() == -signal.SIGKILL
    held: Any = await redis.xpending_range(stream.key, "g", "-", "+", 10)
    assert [each["times_delivered"] for each in held] == [3, 2, 2], (
        "the first two were handled, and only the killer counts"
    )
    await redis.xclaim(stream.key, "g", "m", 0, [held[0]["message_id"]], retrycount=MAX_DELIVERIES, justid=True)
    async with consuming(redis, stream, heard, claim_idle_ms=600_000):
        await heard.until(handled=2)
    assert heard.handled == [4, 5]
    assert await pending(redis, stream) == 0
    assert [letter[PAYLOAD_FIELD] for letter in await dead(redis, stream)] == [records[2].payload]


async def test_an_event_that_fails_is_no_suspect(redis: "Redis", outbox: Outbox) -> None:
    """An event that failed before is handled beside others, even by a restarted member, so it holds up none of them."""
    stream, go_on = new_stream(), asyncio.Event()

    async def fail_then_wait(user_id: int) -> None:
        if user_id == 1 and heard.tries.count(1) < MAX_DELIVERIES - 1:
            raise ValueError("not yet")
        if user_id == 1:
            await go_on.wait()

    heard = Heard(fail_then_wait)
    await _send(redis, stream, outbox, 1)
    async with consuming(redis, stream, heard, claim_idle_ms=30):
        await until(lambda: _is_tried(heard, MAX_DELIVERIES - 2))
    async with consuming(redis, stream, heard, claim_idle_ms=30, handler_limit=600.0):
        await heard.until(tries=MAX_DELIVERIES - 1)
        await _send(redis, stream, outbox, 2)
        await heard.until_user(2)
        assert 1 not in heard.handled
        go_on.set()
        await heard.until_user(1)


async def test_a_restarted_member_handles_its_pending_events(redis: "Redis", outbox: Outbox) -> None:
    """A restarted member handles all its pending events at once, not only the first batch."""
    stream, heard = new_stream(), Heard()
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    await _send(redis, stream, outbox, *range(1, 6))
    await redis.xreadgroup("g", "m", {stream.key: ">"})
    assert await pending(redis, stream) == 5
    # With an idle time this long, nothing is claimed during the test.
    async with consuming(redis, stream, heard, at_once=2, claim_idle_ms=600_000):
        await heard.until(handled=5)
    assert heard.handled == [1, 2, 3, 4, 5]
    assert await pending(redis, stream) == 0


async def test_a_stop_lets_the_handler_finish(redis: "Redis", outbox: Outbox) -> None:
    """An event that is being handled when the process stops is finished and acknowledged."""
    stream, go_on = new_stream(), asyncio.Event()

    async def wait(_user_id: int) -> None:
        await go_on.wait()

    heard = Heard(wait)
    async with consuming(redis, stream, heard):
        await _send(redis, stream, outbox, 1)
        await heard.until(tries=1)
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert heard.handled == [1]
    assert await pending(redis, stream) == 0


async def _are_pending(redis: "Redis", stream: EventStream, count: int) -> bool:
    return await pending(redis, stream) == count


async def _is_tried(heard: Heard, times: int) -> bool:
    return len(heard.tries) >= times


async def _is_dead(redis: "Redis", stream: EventStream, count: int) -> bool:
    return len(await dead(redis, stream)) == count


def _hanging_consumer(url: str, stream: EventStream) -> contextlib.AbstractAsyncContextManager[Process]:
    return _process("consume_and_hang", url, stream.name)


def _mortal_consumer(url: str, stream: EventStream, killer: int) -> contextlib.AbstractAsyncContextManager[Process]:
    return _process("consume_and_die", url, stream.name, str(killer))


@contextlib.asynccontextmanager
async def _process(module: str, *arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.meshkit.events.{module}", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
