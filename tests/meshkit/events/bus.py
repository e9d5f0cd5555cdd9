"""Helpers for tests of the event bus."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from meshkit.call import Call, current_call
from meshkit.events import Consumer, EventStream, OutboxRecord, new_record
from meshkit.events.outbox import MINUTE_MS
from meshkit.events.sqlite_outbox import MIGRATIONS, SqliteOutbox, insert_records
from meshkit.sqlite import Database, open_database

# Only so that a failing test ends.
LIMIT_SECONDS = 30.0
# Short enough that a test need not wait, long enough that no handler of a test is as slow.
CLAIM_IDLE_MS = 300


def new_stream(*groups: str) -> EventStream:
    """Create a stream that no other test uses."""
    return EventStream(uuid.uuid4().hex, groups)


def soon_ms() -> int:
    """Return a time (milliseconds since 1970) when all events written so far are old enough for the sweeper."""
    return time.time_ns() // 1_000_000 + 10_000


def later_ms() -> int:
    """Return a time when the minutes of all events written so far are over."""
    return soon_ms() + 5 * MINUTE_MS


class Outbox(SqliteOutbox):
    """A real outbox, with a way to write into it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._written_to = database

    async def commit(self, user_id: int) -> OutboxRecord:
        """Commit one event."""
        [record] = await self.commit_all([user_id])
        return record

    async def commit_all(self, user_ids: Iterable[int]) -> list[OutboxRecord]:
        """Commit an event for each user id, in one transaction."""
        records = [new_record(event_pb2.UserUpdated(user_id=user_id)) for user_id in user_ids]
        return await self._written_to.write(lambda connection: insert_records(connection, records))


@contextlib.asynccontextmanager
async def open_outbox(path: Path) -> AsyncIterator[Outbox]:
    """Open the outbox in a file."""
    async with open_database(path, MIGRATIONS) as database:
        yield Outbox(database)


class Heard:
    """A handler that records user ids, after calling `before`."""

    def __init__(self, before: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._before = before
        self._changed = asyncio.Condition()
        self.tries: list[int] = []
        self.handled: list[int] = []
        self.calls: list[Call] = []

    async def __call__(self, event: event_pb2.Event) -> None:
        """Handle an event."""
        user_id = event.user_updated.user_id
        self.tries.append(user_id)
        self.calls.append(current_call())
        await self._notify()
        if self._before is not None:
            await self._before(user_id)
        self.handled.append(user_id)
        await self._notify()

    async def until(self, *, handled: int = 0, tries: int = 0) -> None:
        """Wait until this many events were handled or tried."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.handled) >= handled and len(self.tries) >= tries)

    async def until_user(self, user_id: int) -> None:
        """Wait until an event of this user was handled."""
        async with asyncio.timeout(LIMIT_SECONDS), self._changed:
            await self._changed.wait_for(lambda: user_id in self.handled)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def consuming(
    redis: "Redis", stream: EventStream, handler: Callable[[event_pb2.Event], Awaitable[None]], **options: Any
) -> AsyncIterator[None]:
    """Run a consumer during the block, as member "m" of group "g" by default, and stop it."""
    group, member = options.pop("group", "g"), options.pop("member", "m")
    consumer = Consumer(redis, stream, group, member, handler, **{"claim_idle_ms": CLAIM_IDLE_MS, **options})
    stopping = asyncio.Event()
    running = asyncio.create_task(consumer.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(LIMIT_SECONDS):
            await running


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds in Redis."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


async def pending(redis: "Redis", stream: EventStream, group: str = "g") -> int:
    """Return how many entries a group was given and has not acknowledged."""
    return int((await redis.xpending(stream.key, group))["pending"])


async def dead(redis: "Redis", stream: EventStream) -> list[dict[bytes, bytes]]:
    """Return the fields of the dead letters."""
    entries: Any = await redis.xrange(stream.dead_key)
    return [fields for _, fields in entries]
