"""How one pair changes in Cassandra: decided once, and whole in the end, whatever dies on the way.

The pair's row in `follows` decides. Every write of it is a lightweight transaction (LWT), so of concurrent changes one is
applied. What follows from the decision is then one logged batch: the row in `followers` and the events. Counts come last.

    follow      LWT: insert the row                 → batch: add the follower, tell it   → count
    unfollow    LWT: mark the row as ended          → batch: drop the follower, tell it  → LWT: delete the row → uncount

A process that dies between the decision and the batch leaves a pair half done. Whoever meets it next completes it: a repeated
follow (`repair`), a repeated unfollow or a follow anew (an ended row stands in their way), or a recount. Three things make it
safe to run the batch again, also beside one that is merely slow:

- The LWT stores the events with the decision, so that a second run writes the same events under the same ids. They are kept for
  EVENTS_SECONDS, because the sweeper closes a minute of the outbox after about one more; later, `settle` decides anew, by LWT,
  which events tell the change.
- The rows in `followers` are written at the time of the LWT that decided (its ballot, read as WRITETIME). Ballots of one
  partition only grow, whatever the clocks of our processes say: a late batch of an older change has no effect.
- Both steps name the change, so that an answer that was lost, and a batch that was done, are recognised.

A follow whose row stands in `followers` with the same change was carried out: the batch is atomic. Counts are counters, which
cannot be repeated: whoever won the decision counts once, and what a crash loses there a recount finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from follow_svc.model import Follow
from meshkit.cassandra import (
    Cassandra,
    Statement,
    Step,
    UnknownOutcomeError,
    claim,
    kept_events,
    outbox_steps,
    read,
    records_of,
    serial_read,
    write,
)
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id

# A batch may take DEFAULT_TIMEOUT more; the outbox takes an event for at least 60 s.
EVENTS_SECONDS: Final = 30
_ROW = (
    "SELECT bucket, created_ms, change, is_ended, events, WRITETIME(change) FROM follows"
    " WHERE follower_id = ? AND followee_id = ? LIMIT 1"
)
_READ = read(_ROW)
_DECIDED = serial_read(_ROW)
_EVENTS = f"UPDATE follows USING TTL {EVENTS_SECONDS} SET events = ? WHERE follower_id = ? AND followee_id = ?"  # noqa: S608 - a constant


def _deciding(change: str) -> Statement:
    """Make the LWT that decides a change, and stores its events for a while."""
    return claim(f"BEGIN BATCH {change}; {_EVENTS}; APPLY BATCH")


_BEGIN = _deciding(
    "INSERT INTO follows (follower_id, followee_id, bucket, created_ms, change, is_ended)"
    " VALUES (?, ?, ?, ?, ?, false) IF NOT EXISTS"
)
_END = _deciding(
    "UPDATE follows SET change = ?, is_ended = true WHERE follower_id = ? AND followee_id = ? IF is_ended = false"
)
_RENEW = _deciding("UPDATE follows SET change = ? WHERE follower_id = ? AND followee_id = ? IF change = ?")
_DELETE = claim("DELETE FROM follows WHERE follower_id = ? AND followee_id = ? IF change = ?")
_MARK = read("SELECT change FROM followers WHERE followee_id = ? AND bucket = ? AND follower_id = ? LIMIT 1")
_ADD = write("INSERT INTO followers (followee_id, bucket, follower_id, change) VALUES (?, ?, ?, ?) USING TIMESTAMP ?")
_DROP = write("DELETE FROM followers USING TIMESTAMP ? WHERE followee_id = ? AND bucket = ? AND follower_id = ?")
_ADD_BUCKET = write("INSERT INTO follower_buckets (followee_id, bucket) VALUES (?, ?)")
_log = structlog.get_logger()


class Pair(NamedTuple):
    """Who follows whom, or did."""

    follower_id: int
    followee_id: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What stands of a pair. `at` is when it was decided, in microseconds; `events` is None once their time is over."""

    bucket: int
    created_ms: int
    change: int
    is_ended: bool
    events: Mapping[int, bytes] | None
    at: int

    def follow_of(self, pair: Pair) -> Follow:
        """Return the follow."""
        return Follow(pair.follower_id, pair.followee_id, self.created_ms)


class PairChanges:
    """The steps of a change. `begin` and `end` return whether they were applied; None is not known: look at `decided`."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read(self, pair: Pair) -> Decided | None:
        """Return what stands of a pair, at a read's consistency."""
        rows = await self._cassandra.execute(_READ, *pair)
        return Decided(*rows[0]) if rows else None

    async def decided(self, pair: Pair) -> Decided | None:
        """Return what stands of a pair after every change that may be under way."""
        rows = await self._cassandra.execute(_DECIDED, *pair)
        return Decided(*rows[0]) if rows else None

    async def begin(self, follow: Follow, bucket: int, change: int, records: Sequence[OutboxRecord]) -> bool | None:
        """Decide that a follow is there, unless the pair has a row."""
        pair = (follow.follower_id, follow.followee_id)
        return await self._try(_BEGIN, *pair, bucket, follow.created_ms, change, kept_events(records), *pair)

    async def end(self, pair: Pair, change: int, records: Sequence[OutboxRecord]) -> bool | None:
        """Decide that a follow is over, if it is there."""
        return await self._try(_END, change, *pair, kept_events(records), *pair)

    async def repair(self, pair: Pair, found: Decided, records: Sequence[OutboxRecord]) -> bool:
        """Complete what was decided, where it is not whole. Returns whether it was not."""
        if await self.is_whole(pair, found):
            return False
        await self.settle(pair, found, records)
        return True

    async def settle(self, pair: Pair, found: Decided, records: Sequence[OutboxRecord]) -> None:
        """Carry out what was decided, perhaps once more. `records` tell it where its own events are too old."""
        current = found if found.events is not None else await self._renew(pair, found, records)
        if current is None or current.events is None:
            return  # it was ended, and that is whole
        await self._cassandra.execute_batch(*_steps(pair, current), *outbox_steps(records_of(current.events)))
        if current.is_ended and await self._try(_DELETE, *pair, current.change) is None:
            _log.warning("ended_follow_left", change=current.change)  # unseen, and whoever meets it deletes it

    async def is_whole(self, pair: Pair, found: Decided) -> bool:
        """Tell whether what was decided was carried out."""
        if found.is_ended:
            return False
        rows = await self._cassandra.execute(_MARK, pair.followee_id, found.bucket, pair.follower_id)
        return bool(rows) and rows[0][0] == found.change

    async def _renew(self, pair: Pair, found: Decided, records: Sequence[OutboxRecord]) -> Decided | None:
        """Decide by which events a change is told whose own are too old; of concurrent ones, one set is chosen."""
        await self._try(_RENEW, new_id(), *pair, found.change, kept_events(records), *pair)
        current = await self.decided(pair)
        if current is not None and current.change == found.change:
            raise UnavailableError  # the answer was lost, and so was the request
        return current

    async def _try(self, statement: Statement, *parameters: object) -> bool | None:
        try:
            return bool((await self._cassandra.execute(statement, *parameters))[0][0])
        except UnknownOutcomeError:
            return None


def _steps(pair: Pair, found: Decided) -> list[Step]:
    place = (pair.followee_id, found.bucket, pair.follower_id)
    if found.is_ended:
        return [(_DROP, (found.at, *place))]
    steps: list[Step] = [(_ADD, (*place, found.change, found.at))]
    if found.bucket:
        steps.append((_ADD_BUCKET, (pair.followee_id, found.bucket)))
    return steps
