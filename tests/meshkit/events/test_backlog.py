"""What a consumer group has left to do, as metrics."""

import asyncio
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.events import backlog, consumer, settlement
from meshkit.events.backlog import Backlog
from meshkit.events.entry import entries_of
from meshkit.events.outbox import OutboxRecord
from meshkit.events.parked import ParkedEvents
from meshkit.events.record import new_record
from meshkit.events.stream import EventStream
from meshkit.telemetry.catalog import (
    DEAD_LETTERS,
    EVENT_HANDLING,
    EVENTS_DEAD,
    EVENTS_OLDEST,
    EVENTS_SET_ASIDE,
    EVENTS_WAITING,
)
from tests.meshkit.events.bus import Heard, consuming, new_stream, until
from tests.recorded import Recorded


def event_of(user_id: int) -> OutboxRecord:
    """Return an event."""
    return new_record(event_pb2.UserUpdated(user_id=user_id))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Read the metrics of backlogs."""
    return Recorded(monkeypatch).replace(
        backlog,
        _waiting=EVENTS_WAITING,
        _oldest=EVENTS_OLDEST,
        _set_aside=EVENTS_SET_ASIDE,
        _dead_letters=DEAD_LETTERS,
    )


async def _measure(redis: "Redis", stream: EventStream, parked: ParkedEvents) -> None:
    await Backlog(redis, stream, "g", parked).measure()


async def test_new_and_pending_events_wait(redis: "Redis", seen: Recorded) -> None:
    """Events that no member has and those in a member's hands count, and the oldest of them has an age."""
    stream = new_stream("g")
    parked = ParkedEvents(redis, stream, "g")
    key = (stream.name, "g")
    await _measure(redis, stream, parked)
    assert (seen.values(EVENTS_WAITING)[key], seen.values(EVENTS_OLDEST)[key]) == (0, 0)
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    for user_id in range(3):
        await stream.add(redis, event_of(user_id))
    await asyncio.sleep(0.02)
    await _measure(redis, stream, parked)
    assert seen.values(EVENTS_WAITING)[key] == 3
    assert 0 < seen.values(EVENTS_OLDEST)[key] < 60
    await redis.xreadgroup("g", "m", {stream.key: ">"}, count=1)
    await _measure(redis, stream, parked)
    assert seen.values(EVENTS_WAITING)[key] == 3
    given: Any = await redis.xrange(stream.key, count=1)
    await parked.park(entries_of(given)[0])
    await _measure(redis, stream, parked)
    assert (seen.values(EVENTS_WAITING)[key], seen.values(EVENTS_SET_ASIDE)[key]) == (2, 1)


async def test_attempts_and_dead_letters_are_counted(
    redis: "Redis", seen: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt has its outcome, and an event that is given up is a dead letter."""
    recorded = Recorded(monkeypatch).replace(consumer, _handling=EVENT_HANDLING).replace(settlement, _dead=EVENTS_DEAD)
    stream, heard = new_stream("g"), Heard()
    await redis.xadd(stream.key, {b"event": b"no event"})
    await stream.add(redis, event_of(7))

    async def both_are_settled() -> bool:
        return len(recorded.values(EVENT_HANDLING)) == 2 and bool(recorded.values(EVENTS_DEAD))

    async with consuming(redis, stream, heard):
        await until(both_are_settled)
    assert recorded.values(EVENT_HANDLING) == {(stream.name, "g", "done"): 1, (stream.name, "g", "poison"): 1}
    assert recorded.values(EVENTS_DEAD) == {(stream.name, "g"): 1}
    await _measure(redis, stream, ParkedEvents(redis, stream, "g"))
    assert seen.values(DEAD_LETTERS) == {(stream.name,): 1}
