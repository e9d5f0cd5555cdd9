"""What a recount needs of a store whose counts can be wrong and whose changes can be left half done."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from meshkit.events.outbox import OutboxRecord

# Before everybody.
FIRST_POSITION = -(2**63)


class Side(Enum):
    """Which count of an account."""

    FOLLOWERS = "followers"
    FOLLOWING = "following"


class Walk(Enum):
    """A way through all accounts, in this order: those who follow, those who are followed, those who have counts."""

    FOLLOWS = "follows"
    FOLLOWERS = "followers"
    COUNTS = "counts"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recount is: the next page begins above `position`, a number that means something to the store alone."""

    walk: Walk
    position: int


@dataclass(frozen=True, slots=True)
class UserPage:
    """Some accounts of a walk, each once in all of its pages, and the position of the next page; None at the end."""

    user_ids: Sequence[int]
    position: int | None


@dataclass(frozen=True, slots=True)
class Halfway:
    """A pair whose last change was decided and not carried out."""

    follower_id: int
    followee_id: int
    is_ended: bool


class RecountStore(Protocol):
    """The graph as a recount sees it. Reads see what a quorum of replicas holds."""

    async def take_over(self, run: int) -> Progress:
        """Make `run` the one that goes on; returns from where."""
        ...

    async def record_progress(self, run: int, progress: Progress) -> bool:
        """Keep how far a run is. Returns False, and keeps nothing, where another one has taken over."""
        ...

    async def list_users(self, walk: Walk, after: int, limit: int) -> UserPage:
        """Return the next accounts of a walk; a page may be short before the end."""
        ...

    async def list_halfway(self, follower_id: int, before_us: int) -> Sequence[Halfway]:
        """Return the pairs of a follower that were decided before a moment, in microseconds since 1970, and are half done."""
        ...

    async def complete(self, halfway: Halfway, records: Sequence[OutboxRecord]) -> None:
        """Carry out what stands decided of a pair; `records` tell it."""
        ...

    async def read_count(self, side: Side, user_id: int) -> int:
        """Return a count as it stands, be it below zero."""
        ...

    async def add_count(self, side: Side, user_id: int, difference: int) -> None:
        """Change a count. Not repeatable."""
        ...
