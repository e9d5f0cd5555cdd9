"""No event enters a closed minute of the outbox, whatever clocks, pauses and queues do."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.cassandra import Cassandra, CassandraOutbox, Step, write_with_events
from meshkit.cassandra.outbox import MIGRATIONS as CASSANDRA_MIGRATIONS
from meshkit.clocks import MAX_CLOCK_ERROR_MS
from meshkit.events import EventStream, OutboxRecord, OutboxStore, Sweeper, new_record
from meshkit.events.outbox import CLOSING_MINUTES, FRESH_MS, MINUTE_MS, WRITE_BOUND_MS
from meshkit.events.sqlite_outbox import MIGRATIONS, SqliteOutbox, insert_records
from meshkit.ids import new_id
from meshkit.redis.client import open_redis
from meshkit.sqlite import open_database
from tests.meshkit.redis.clusters import opened, settings_of

pytestmark = pytest.mark.slow

GROUP = "g"
# By how much a clock may be wrong, how long a call may wait for its turn, and how long a write may take, in seconds.
ERRORS = st.integers(-MAX_CLOCK_ERROR_MS // 1_000, MAX_CLOCK_ERROR_MS // 1_000)
QUEUES = st.sampled_from([0, 1, 15, 90, 300])
PAUSES = st.sampled_from([0, 1, 30, 90, 400])


@dataclass(frozen=True)
class Write:
    """A call that writes an event: the error of its clock, and how long it waits before and in the write."""

    error: int
    queue: int
    pause: int


@dataclass(frozen=True)
class Sweep:
    """A sweep after some time, by a clock with an error."""

    after: int
    error: int


STORIES = st.lists(
    st.one_of(st.builds(Write, ERRORS, QUEUES, PAUSES), st.builds(Sweep, st.sampled_from([1, 30, 100, 400]), ERRORS)),
    min_size=2,
    max_size=6,
)


@dataclass
class Story:
    """Time as it passes, an outbox, a sweeper, and a group that handles everything at once."""

    redis: "Redis"
    store: OutboxStore
    commit: Callable[["Story", OutboxRecord, Write], Any]
    now_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    stream: EventStream = field(default_factory=lambda: EventStream(uuid.uuid4().hex, (GROUP,)))
    acknowledged: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Add the sweeper."""
        self.sweeper = Sweeper(self.redis, self.stream, self.store)

    async def begin(self) -> None:
        """Begin with an outbox that is done until now."""
        await self.store.reopen_outbox(self.now_ms // MINUTE_MS - 2)
        await self.redis.xgroup_create(self.stream.key, GROUP, id="0", mkstream=True)

    async def sweep(self, error: int = 0) -> None:
        """Sweep, and handle everything."""
        await self.sweeper.sweep(self.now_ms + error * 1_000)
        await self.handle()
        await self.sweeper.sweep(self.now_ms + error * 1_000)

    async def handle(self) -> None:
        """Handle all events in the stream."""
        answer: Any = await self.redis.xreadgroup(GROUP, "m", {self.stream.key: ">"}, count=1_000)
        for _, entries in answer:
            await self.redis.xack(self.stream.key, GROUP, *(entry for entry, _ in entries))

    async def run(self, steps: Sequence[Write | Sweep]) -> None:
        """Let the steps happen. A call that returns acknowledges its event."""
        for user_id, step in enumerate(steps):
            if isinstance(step, Sweep):
                self.now_ms += step.after * 1_000
                await self.sweep(step.error)
                continue
            event_id = new_id(self.now_ms + step.error * 1_000)
            record = new_record(event_pb2.UserUpdated(user_id=user_id), partial(int, event_id))
            await self.wait(step.queue)
            await self.commit(self, record, step)
            self.acknowledged.append(user_id)
        for _ in range(4):
            self.now_ms += 4 * MINUTE_MS
            await self.sweep()

    async def wait(self, seconds: int) -> None:
        """Let time pass while sweepers work."""
        for _ in range(2):
            self.now_ms += seconds * 500
            if seconds > 1:
                await self.sweep(60)

    async def sent(self) -> set[int]:
        """Return the users of all events that ever came into the stream."""
        entries: Any = await self.redis.xrange(self.stream.key)
        return {event_pb2.Event.FromString(fields[b"event"]).user_updated.user_id for _, fields in entries}


class PausedCassandra:
    """A cluster whose writes take as long as a story says, as seen from a process with a wrong clock."""

    def __init__(self, cassandra: Cassandra, story: Story, step: Write) -> None:
        self._cassandra, self._story, self._step = cassandra, story, step
        self._pause = step.pause

    def now_ms(self) -> int:
        """Return the cluster's time as this process knows it."""
        return self._story.now_ms + self._step.error * 1_000

    async def execute_batch(self, *steps: Step) -> None:
        """Pause, write and pause. Only the first write is slow: an outage ends."""
        pause, self._pause = self._pause, 0
        await self._story.wait(pause // 2)
        await self._cassandra.execute_batch(*steps)
        self._story.now_ms += pause * 500


def test_the_bounds_leave_a_margin() -> None:
    """Both clock errors, the age of an id and a slow write fit between the last id of a minute and its closing."""
    assert 2 * MAX_CLOCK_ERROR_MS + FRESH_MS + WRITE_BOUND_MS < (CLOSING_MINUTES - 1) * MINUTE_MS


@pytest.fixture(scope="module")
async def keyspace(cassandra: str) -> AsyncIterator[Cassandra]:
    """Give a keyspace with an outbox."""
    async with opened(settings_of(cassandra), CASSANDRA_MIGRATIONS) as keyspace:
        yield keyspace


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STORIES)
@example(steps=[Write(0, 300, 0), Sweep(400, 0)])
@example(steps=[Sweep(400, 60), Write(-60, 0, 0), Sweep(100, 60)])
async def test_no_event_enters_a_closed_minute_of_sqlite(
    valkey_url: str, tmp_path: Path, steps: list[Write | Sweep]
) -> None:
    """Every acknowledged event reaches the stream; the transaction decides which minutes are open."""
    async with (
        open_database(tmp_path / f"{uuid.uuid4().hex}.db", MIGRATIONS) as database,
        open_redis(valkey_url) as redis,
    ):

        async def commit(story: Story, record: OutboxRecord, step: Write) -> None:
            now_ms = story.now_ms + step.error * 1_000
            await database.write(lambda connection: insert_records(connection, [record], now_ms))
            story.now_ms += step.pause * 1_000

        await _tell(Story(redis, SqliteOutbox(database), commit), steps)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STORIES)
@example(steps=[Write(0, 300, 0), Sweep(400, 0)])
@example(steps=[Write(-60, 0, 400), Sweep(100, 60)])
async def test_no_event_enters_a_closed_minute_of_cassandra(
    valkey_url: str, keyspace: Cassandra, steps: list[Write | Sweep]
) -> None:
    """Every acknowledged event reaches the stream: one that was written too late is written again."""

    async def commit(story: Story, record: OutboxRecord, step: Write) -> None:
        await write_with_events(cast("Cassandra", PausedCassandra(keyspace, story, step)), [], [record])

    async with open_redis(valkey_url) as redis:
        await _tell(Story(redis, CassandraOutbox(keyspace), commit), steps)


async def _tell(story: Story, steps: list[Write | Sweep]) -> None:
    await story.begin()
    kept: set[int] = set()
    handle = story.handle

    async def handle_and_note() -> None:
        kept.update(await story.sent())
        await handle()

    story.handle = handle_and_note  # type: ignore[method-assign]  # notes what is about to be trimmed
    await story.run(steps)
    assert set(story.acknowledged) <= kept
    await story.redis.delete(story.stream.key)
