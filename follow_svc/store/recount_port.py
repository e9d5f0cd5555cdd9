"""The port of a recount: a store whose counts can be wrong and whose changes can be unfinished."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from meshkit.events.outbox import OutboxRecord

# Below every position.
FIRST_POSITION = -(2**63)


class Side(Enum):
    """One of an account's two counts."""

    FOLLOWERS = "followers"
    FOLLOWING = "following"


class Walk(Enum):
    """A pass over all accounts, in this order: those that follow, those that are followed, those with counts."""

    FOLLOWS = "follows"
    FOLLOWERS = "followers"
    COUNTS = "counts"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recount has come. The next page begins after `position`, which only the store can interpret."""

    walk: Walk
    position: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some accounts of a walk and the position of the next page (None at the end). A walk lists each account once."""

    user_ids: Sequence[int]
    position: int | None


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A pair whose last change was decided but not carried out."""

    follower_id: int
    followee_id: int
    is_ended: bool


class RecountStore(Protocol):
    """The graph as a recount sees it. Reads are at quorum."""

    async def take_over(self, run: int) -> Progress:
        """Make `run` the current run. Returns where to resume."""
        ...

    async def record_progress(self, run: int, progress: Progress) -> bool:
        """Store a run's progress. Returns False and stores nothing if another run has taken over."""
        ...

    async def list_users(self, walk: Walk, after: int, limit: int) -> UserPage:
        """Return the next accounts of a walk. A page may be short before the end."""
        ...

    async def list_half_done(self, follower_id: int, before_us: int) -> Sequence[HalfDone]:
        """Return a follower's unfinished pairs that were decided before `before_us` (microseconds since 1970)."""
        ...

    async def complete(
        self, half_done: HalfDone, records: Sequence[OutboxRecord], if_requested: Sequence[OutboxRecord] = ()
    ) -> None:
        """Finish a pair's decided change. The records replace its events if those have expired."""
        ...

    async def read_count(self, side: Side, user_id: int) -> int:
        """Return a count as stored, even if negative."""
        ...

    async def add_count(self, side: Side, user_id: int, difference: int) -> None:
        """Add to a count. Not idempotent."""
        ...
