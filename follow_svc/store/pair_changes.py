"""How one pair changes in Cassandra: decided once, then completed whatever crashes.

The pair's row in `follows` decides. Only lightweight transactions (LWTs) write it, so exactly one of several concurrent changes
is applied. Everything else follows in one logged batch: the row in `followers` and the events. Counts come last.

    follow      LWT: insert the row          → batch: add the follower and events   → count
    unfollow    LWT: mark the row as ended   → batch: drop the follower, add events → LWT: delete the row → uncount
    (un)mute    LWT: mark the row            → batch: mark the follower, add events
    request     LWT: insert the row          → batch: add the request and events    → count
    accept      LWT: mark the row            → batch: add the follower and events, drop the request → count
    cancel      LWT: mark the row as ended   → batch: drop the request              → LWT: delete the row → uncount

The LWT of an unfollow or a mute also makes the change the follower's `last_cut`, so neither is ever there without the other.

Whether a pair becomes a follow or a request depends on whether the followee is private, which is in another partition. So
`pair_outcomes.py` looks again. A follow is looked at between its LWT and its batch: if the followee has become private, another
LWT turns it into a request. If not, the follow was there before the followee can become private. A request is looked at after its
batch: if the followee has become public, it is accepted. If not, the request is in the list before the followee becomes public,
and is accepted then.

A crash between the LWT and the batch leaves the pair half done. The next one to touch the pair completes it: a repeated follow
(`repair`), a repeated unfollow or a new follow (both find the ended row), a mute or unmute (which begin from a complete pair
only), or a recount. Three rules make it safe to run the
batch again, even while a slow process is still running it:

- The LWT stores the events with the decision, so a second run writes the same events. They are kept for EVENTS_SECONDS. Later,
  `settle` uses another LWT to choose the events. Their ids are taken when they are written (`write_with_events`).
- Rows in `followers` carry the time of the deciding LWT (its ballot, read as WRITETIME). Ballots of one partition only grow,
  whatever the clocks of our processes say, so a late batch of an older change has no effect.
- Both steps name the change. That is how a process recognises its own change after a lost answer, and a finished batch.

The batch is atomic: a follow whose row in `followers` names the same change is complete. Counters cannot be repeated safely, so
the process that won the LWT counts once. A recount corrects what a crash loses.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from follow_svc.model import Follow
from follow_svc.store.pair_state import COLUMNS, Pair, PairEvents, PairKind, PairState
from meshkit.cassandra import (
    Cassandra,
    Statement,
    Step,
    UnknownOutcomeError,
    claim,
    kept_events,
    records_of,
    serial_read,
    sure_read,
    write,
    write_with_events,
)
from meshkit.errors import UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id

EVENTS_SECONDS: Final = 30
_ROW = f"SELECT {COLUMNS} FROM follows WHERE follower_id = ? AND followee_id = ? LIMIT 1"  # noqa: S608 - a constant
# At quorum: a lagging replica may still have a follow that has ended, and a repeated follow would be acknowledged without a row.
_READ = sure_read(_ROW)
_DECIDED = serial_read(_ROW)
_EVENTS = f"UPDATE follows USING TTL {EVENTS_SECONDS} SET events = ? WHERE follower_id = ? AND followee_id = ?"  # noqa: S608 - a constant


_CUT = "UPDATE follows SET last_cut = ? WHERE follower_id = ?"


def _deciding_lwt(change: str, *more: str) -> Statement:
    """Return the LWT that decides a change and stores its events for a while."""
    return claim(f"BEGIN BATCH {'; '.join((change, _EVENTS, *more))}; APPLY BATCH")


_BEGIN = _deciding_lwt(
    "INSERT INTO follows (follower_id, followee_id, bucket, created_ms, change, is_ended)"
    " VALUES (?, ?, ?, ?, ?, false) IF NOT EXISTS"
)
_END = _deciding_lwt(
    "UPDATE follows SET change = ?, is_ended = true WHERE follower_id = ? AND followee_id = ? IF is_ended = false",
    _CUT,
)
_MARK = "UPDATE follows SET change = ?, muted_ms = ?, state = 'kept' WHERE follower_id = ? AND followee_id = ? IF change = ?"
_MUTE, _UNMUTE = _deciding_lwt(_MARK, _CUT), _deciding_lwt(_MARK)
_CHOOSE_EVENTS = _deciding_lwt("UPDATE follows SET change = ? WHERE follower_id = ? AND followee_id = ? IF change = ?")
_REQUEST = _deciding_lwt(
    "INSERT INTO follows (follower_id, followee_id, created_ms, requested_ms, change, state)"
    " VALUES (?, ?, ?, ?, ?, 'requested') IF NOT EXISTS"
)
# The follow may have been seen, so this is a cut.
_TURN = _deciding_lwt(
    "UPDATE follows SET state = 'requested', change = ?, requested_ms = ?, is_ended = null"
    " WHERE follower_id = ? AND followee_id = ? IF change = ?",
    _CUT,
)
_ACCEPT = _deciding_lwt(
    "UPDATE follows SET state = 'kept', change = ?, bucket = ?, created_ms = ?, is_ended = false"
    " WHERE follower_id = ? AND followee_id = ? IF change = ?"
)
_CANCEL = _deciding_lwt(
    "UPDATE follows SET is_ended = true, change = ? WHERE follower_id = ? AND followee_id = ? IF change = ?"
)
_DELETE = claim("DELETE FROM follows WHERE follower_id = ? AND followee_id = ? IF change = ?")
_CHANGE_OF_FOLLOWER = sure_read(
    "SELECT change FROM followers WHERE followee_id = ? AND bucket = ? AND follower_id = ? LIMIT 1"
)
_ADD = write(
    "INSERT INTO followers (followee_id, bucket, follower_id, change, is_muted) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
)
_DROP = write("DELETE FROM followers USING TIMESTAMP ? WHERE followee_id = ? AND bucket = ? AND follower_id = ?")
_CHANGE_OF_REQUEST = sure_read(
    "SELECT change FROM follow_requests WHERE followee_id = ? AND requested_ms = ? AND follower_id = ? LIMIT 1"
)
_ADD_REQUEST = write(
    "INSERT INTO follow_requests (followee_id, requested_ms, follower_id, change) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
)
_DROP_REQUEST = write(
    "DELETE FROM follow_requests USING TIMESTAMP ? WHERE followee_id = ? AND requested_ms = ? AND follower_id = ?"
)
_ADD_BUCKET = write("INSERT INTO follower_buckets (followee_id, bucket) VALUES (?, ?)")
_log = structlog.get_logger()


class PairChanges:
    """The steps of a change. Those that decide return whether they were applied, or None: then read serially."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read(self, pair: Pair) -> PairState | None:
        """Return the state of a pair, at quorum: every acknowledged change, but perhaps not one in progress."""
        rows = await self._cassandra.execute(_READ, *pair)
        return PairState.of_row(rows[0]) if rows else None

    async def read_serially(self, pair: Pair) -> PairState | None:
        """Return the state of a pair after completing any change in progress."""
        rows = await self._cassandra.execute(_DECIDED, *pair)
        return PairState.of_row(rows[0]) if rows else None

    async def begin(self, follow: Follow, bucket: int, change: int, records: Sequence[OutboxRecord]) -> bool | None:
        """Create the follow unless the pair has a row."""
        pair = (follow.follower_id, follow.followee_id)
        return await self._try(_BEGIN, *pair, bucket, follow.created_ms, change, kept_events(records), *pair)

    async def begin_request(self, request: Follow, change: int, records: Sequence[OutboxRecord]) -> bool | None:
        """Create the request unless the pair has a row."""
        pair, at = (request.follower_id, request.followee_id), request.created_ms
        return await self._try(_REQUEST, *pair, at, at, change, kept_events(records), *pair)

    async def end(self, pair: Pair, change: int, records: Sequence[OutboxRecord]) -> bool | None:
        """Mark the follow as ended if it exists. A request is none."""
        return await self._try(_END, change, *pair, kept_events(records), *pair, change, pair.follower_id)

    async def cancel(self, pair: Pair, found: PairState, change: int) -> bool | None:
        """Mark the request as ended, unless it has changed since it was `found`. Nobody hears of it."""
        return await self._try(_CANCEL, change, *pair, found.change, kept_events([]), *pair)

    async def accept(
        self, pair: Pair, found: PairState, change: int, bucket: int, created_ms: int, records: Sequence[OutboxRecord]
    ) -> bool | None:
        """Turn the request into a follow, unless it has changed since it was `found`."""
        parameters = (change, bucket, created_ms, *pair, found.change, kept_events(records), *pair)
        return await self._try(_ACCEPT, *parameters)

    async def turn_into_request(
        self, pair: Pair, found: PairState, change: int, records: Sequence[OutboxRecord]
    ) -> bool | None:
        """Turn the follow into a request, unless it has changed since it was `found`."""
        parameters = (change, found.created_ms, *pair, found.change, kept_events(records), *pair)
        return await self._try(_TURN, *parameters, change, pair.follower_id)

    async def mark_muted(
        self, pair: Pair, found: PairState, change: int, muted_ms: int | None, records: Sequence[OutboxRecord]
    ) -> bool | None:
        """Mute the follow since `muted_ms`, or unmute it (None), unless it has changed since it was `found`."""
        parameters = (change, muted_ms, *pair, found.change, kept_events(records), *pair)
        if muted_ms is None:
            return await self._try(_UNMUTE, *parameters)
        return await self._try(_MUTE, *parameters, change, pair.follower_id)

    async def settle(self, pair: Pair, found: PairState, events: PairEvents) -> PairState | None:
        """Carry out the decided change and return it; repeatable. `events` replace its own if those have expired."""
        current = found if found.events is not None else await self._choose_events(pair, found, events)
        if current is None or current.events is None:
            return None  # the row is already gone: nothing left to do
        await write_with_events(self._cassandra, _steps(pair, current), records_of(current.events))
        if current.is_ended and await self._try(_DELETE, *pair, current.change) is None:
            _log.warning(
                "ended_follow_left", change=current.change
            )  # invisible to readers; the next one to find it deletes it
        return current

    async def is_complete(self, pair: Pair, found: PairState) -> bool:
        """Return whether the decided change was carried out."""
        if found.kind is PairKind.FOLLOW:
            place = (pair.followee_id, found.bucket, pair.follower_id)
            rows = await self._cassandra.execute(_CHANGE_OF_FOLLOWER, *place)
        elif found.kind is PairKind.REQUEST:
            place = (pair.followee_id, found.requested_ms, pair.follower_id)
            rows = await self._cassandra.execute(_CHANGE_OF_REQUEST, *place)
        else:
            return False
        return bool(rows) and rows[0][0] == found.change

    async def _choose_events(self, pair: Pair, found: PairState, events: PairEvents) -> PairState | None:
        """Choose new events for a change whose own have expired. Concurrent callers agree on one set."""
        await self._try(_CHOOSE_EVENTS, new_id(), *pair, found.change, kept_events(found.events_of(events)), *pair)
        current = await self.read_serially(pair)
        if current is not None and current.change == found.change:
            raise UnavailableError  # the answer was lost, and the request was not applied
        return current

    async def _try(self, statement: Statement, *parameters: object) -> bool | None:
        try:
            return bool((await self._cassandra.execute(statement, *parameters))[0][0])
        except UnknownOutcomeError:
            return None


def _steps(pair: Pair, found: PairState) -> list[Step]:
    """Return what makes the lists tell what was decided."""
    place = (pair.followee_id, found.bucket, pair.follower_id)
    requested = (pair.followee_id, found.requested_ms, pair.follower_id)
    steps: list[Step] = []
    if found.kind is PairKind.FOLLOW:
        steps.append((_ADD, (*place, found.change, found.is_muted, found.at)))
        if found.bucket:
            steps.append((_ADD_BUCKET, (pair.followee_id, found.bucket)))
    elif found.bucket is not None:
        steps.append((_DROP, (found.at, *place)))
    if found.kind is PairKind.REQUEST:
        steps.append((_ADD_REQUEST, (*requested, found.change, found.at)))
    elif found.requested_ms is not None:
        steps.append((_DROP_REQUEST, (found.at, *requested)))
    return steps
