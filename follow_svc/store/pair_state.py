"""What the row of a pair in Cassandra says: a follow, a request, or the end of either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from follow_svc.model import Follow, FollowState
from meshkit.events.outbox import OutboxRecord

# The values of the column `state`. A follow is KEPT when its followee becomes private, because it was accepted, or complete and
# then muted. Null is any other follow: it is completed only while its followee is public.
REQUESTED: Final = "requested"
KEPT: Final = "kept"
# The columns of `PairState.of_row`.
COLUMNS: Final = "bucket, created_ms, change, is_ended, events, WRITETIME(change), muted_ms, state, requested_ms"


class PairKind(Enum):
    """What a pair is."""

    FOLLOW = 1
    REQUEST = 2
    END = 3


class Pair(NamedTuple):
    """A follower and a followee."""

    follower_id: int
    followee_id: int


class PairEvents(NamedTuple):
    """The events of a change: those if the pair is a follow then or its follow ended, and those if it is a request."""

    followed: Sequence[OutboxRecord] = ()
    requested: Sequence[OutboxRecord] = ()


@dataclass(frozen=True, slots=True)
class PairState:
    """The decided state of a pair. `at` is its time in microseconds.

    `events` is None once they have expired, `muted_ms` if the followee is not muted, `bucket` if the pair never had one, and
    `requested_ms` if the pair has no place in the list of requests.
    """

    kind: PairKind
    bucket: int | None
    created_ms: int
    change: int
    events: Mapping[int, bytes] | None
    at: int
    muted_ms: int | None
    state: str | None
    requested_ms: int | None

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "PairState | None":
        """Return the state that a row with COLUMNS has, or None if it is what is left of a row that was deleted."""
        bucket, created_ms, change, is_ended, events, at, muted_ms, state, requested_ms = row
        kind = kind_of(is_ended, state)
        if kind is None or created_ms is None or change is None or (bucket is None and kind is PairKind.FOLLOW):
            return None
        return cls(kind, bucket, created_ms, change, events, at, muted_ms, state, requested_ms)

    @property
    def is_ended(self) -> bool:
        """Whether the pair has ended."""
        return self.kind is PairKind.END

    @property
    def is_muted(self) -> bool:
        """Whether the follower has muted the followee."""
        return self.muted_ms is not None

    @property
    def is_unsure(self) -> bool:
        """Whether this is a follow only if it is complete, or its followee is public."""
        return self.kind is PairKind.FOLLOW and self.state is None

    def follow_of(self, pair: Pair) -> Follow:
        """Return the follow or the request."""
        state = FollowState.REQUESTED if self.kind is PairKind.REQUEST else FollowState.FOLLOWING
        return Follow(pair.follower_id, pair.followee_id, self.created_ms, self.is_muted, state)

    def events_of(self, events: PairEvents) -> Sequence[OutboxRecord]:
        """Choose the events that fit. Nobody hears of the end of a request."""
        if self.kind is PairKind.REQUEST:
            return events.requested
        return () if self.is_ended and self.state == REQUESTED else events.followed


def kind_of(is_ended: bool | None, state: str | None) -> PairKind | None:
    """Return what a row of `follows` is, or None if it is what is left of a row that was deleted.

    A request has no `is_ended`. Only a row whose `state` says so is a follow.
    """
    if is_ended:
        return PairKind.END
    if state == REQUESTED:
        return PairKind.REQUEST
    return PairKind.FOLLOW if is_ended is False and state in (None, KEPT) else None
