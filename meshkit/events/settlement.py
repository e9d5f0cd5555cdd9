"""What becomes of an event after an attempt: acknowledged, delivered again, parked, or given up."""

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis

from meshkit.clocks import local_ms
from meshkit.events.attempt import Outcome
from meshkit.events.dead_letters import DeadLetters
from meshkit.events.entry import Entry
from meshkit.events.membership import FAILED
from meshkit.events.outbox import MINUTE_MS, RETENTION_MINUTES
from meshkit.events.parked import ParkedEvents
from meshkit.events.stream import EventStream
from meshkit.telemetry.catalog import EVENTS_DEAD

MAX_DELIVERIES = 5
PARK_AFTER_MS = 10 * MINUTE_MS
# How long a parked event is retried.
PATIENCE_MS = RETENTION_MINUTES * MINUTE_MS
TIRED = "failed too often"
_dead = EVENTS_DEAD.create()
_log = structlog.get_logger()


class Settlement:
    """Settles the events of one member of a group."""

    def __init__(
        self, redis: "Redis", stream: EventStream, group: str, member: str, parked: ParkedEvents, park_after_ms: int
    ) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._member = member
        self._parked = parked
        self._park_after_ms = park_after_ms
        self._dead_letters = DeadLetters(redis, stream)
        self._done: list[bytes] = []
        self._acknowledging = asyncio.Lock()
        self.are_parked_handled = False
        """Whether the last parked event was handled, so that others may be, too."""

    async def settle(self, entry: Entry, outcome: Outcome, *, tries: int) -> None:
        """Settle an entry of the stream after its attempt. One that is left pending is delivered again."""
        match outcome:
            case Outcome.DONE:
                await self._acknowledge(entry)
            case Outcome.OUTAGE if _age_ms(entry) > self._park_after_ms:
                await self._park(entry)
            case Outcome.OUTAGE:
                await self._discount(entry)
            case Outcome.LATE if tries >= MAX_DELIVERIES:
                await self._park(entry)
            case Outcome.POISON:
                await self.bury(entry, "no event")
            case Outcome.FAILED | Outcome.LATE:
                await self._give_back(entry)

    async def settle_parked(self, entry: Entry, outcome: Outcome) -> None:
        """Settle a parked event. One that is left is retried a minute later."""
        self.are_parked_handled = outcome is Outcome.DONE
        if outcome is Outcome.DONE:
            await self._parked.remove(entry)
        elif outcome is Outcome.FAILED or _age_ms(entry) > PATIENCE_MS:
            self._log_dead(entry, TIRED)
            await self._parked.bury(entry, TIRED)

    async def bury(self, entry: Entry, why: str) -> None:
        """Move a pending entry to the dead letters."""
        self._log_dead(entry, why)
        await self._dead_letters.bury(self._group, entry, why)

    async def _park(self, entry: Entry) -> None:
        _log.warning("event_parked", stream=self._stream.name, entry=entry.entry_id.decode())
        await self._parked.park(entry)

    async def _acknowledge(self, entry: Entry) -> None:
        """Acknowledge an entry, together with all that finish while the previous command is running."""
        self._done.append(entry.entry_id)
        async with self._acknowledging:
            done, self._done = self._done, []
            if done:
                await self._redis.xack(self._stream.key, self._group, *done)

    async def _give_back(self, entry: Entry) -> None:
        """Note that the attempt failed and the worker is alive."""
        ids: Any = [entry.entry_id]
        await self._redis.xclaim(self._stream.key, self._group, FAILED, 0, ids, justid=True)

    async def _discount(self, entry: Entry) -> None:
        """Do not count a delivery that failed because of an outage."""
        ids: Any = [entry.entry_id]
        await self._redis.xclaim(self._stream.key, self._group, self._member, 0, ids, retrycount=0, justid=True)

    def _log_dead(self, entry: Entry, why: str) -> None:
        _dead.add(1, {"stream": self._stream.name, "group": self._group})
        _log.error("event_dead", stream=self._stream.name, entry=entry.entry_id.decode(), why=why)


def _age_ms(entry: Entry) -> int:
    return local_ms() - entry.added_ms
