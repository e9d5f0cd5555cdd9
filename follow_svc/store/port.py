"""What the use cases need of a store, in words that a partitioned one can keep."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from follow_svc.model import AddedFollow, Follow, FollowCounts, FollowerPlace
from meshkit.events.outbox import OutboxRecord


class FollowStore(Protocol):
    """The social graph. Ids are from 0 to 2**63 - 1; an account that the store never saw follows nobody.

    A read sees every write that had returned before it began, where it does not ask one of several replicas that lags. Both
    directions of a follow and its events change as one; in a store without transactions a crash may leave a change half done,
    until somebody comes to the pair again, and may lose a count, until a recount.
    """

    async def add_follow(self, follow: Follow, max_followees: int, records: Sequence[OutboxRecord]) -> AddedFollow:
        """Add a follow, count it, and write its events; where the pair is there already, change nothing.

        Of concurrent adds of one pair exactly one is new. Raises FollowLimitError where a new follow would be one above
        `max_followees`; a store without transactions may let concurrent follows of one account through by a few.
        """
        ...

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow, uncount it, and write its events. Returns False, and changes nothing, where there is none."""
        ...

    async def confirm_follow(
        self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]
    ) -> Follow | None:
        """Return the follow of a pair for its repeated making, completed where a crash left it half done.

        `records` tell it then, where those of its making are too old to be written.
        """
        ...

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair."""
        ...

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts."""
        ...

    async def list_followers(self, user_id: int, after: FollowerPlace | None, limit: int) -> Sequence[FollowerPlace]:
        """Return an account's followers above a place (None: from the first), in order of places, at most `limit`.

        Fewer than `limit` means that there are no more. A follower keeps its place for as long as it follows.
        """
        ...

    async def list_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return the ids that an account follows above an id (None: from the first), ascending, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def filter_followed(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return those of at most 1,000 ids that an account follows."""
        ...
