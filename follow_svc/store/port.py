"""The port that the use cases define for their store. A partitioned store can implement it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from follow_svc.model import MAX_REQUESTS, AddedFollow, Follow, FollowCounts, Follower, Mute
from follow_svc.store.requests_port import RequestStore
from follow_svc.store.stances_port import StanceStore
from meshkit.events.outbox import OutboxRecord


class FollowStore(StanceStore, RequestStore, Protocol):
    """The social graph. Ids are 0 to 2**63 - 1; an account that the store has never seen follows nobody.

    A read sees every write that had returned before it began, except where it asks a single replica that lags. Both directions
    of a follow and its events change together. In a store without transactions a crash may leave a change half done until the
    pair is next touched, and may lose a count until the next recount.
    """

    async def add_follow(
        self,
        follow: Follow,
        max_followees: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
        max_requests: int = MAX_REQUESTS,
    ) -> AddedFollow:
        """Add a follow, count it and write its events. If the followee is private, add a request and write `if_requested`.

        If the pair exists, change nothing, except that a request whose followee has become public becomes a follow, which is new.
        A follow is never added after its followee has become private: whatever is interrupted in between, it is a request then.
        Of concurrent calls for one pair exactly one adds it. Raises FollowLimitError if the follower has `max_followees` follows
        and requests, and RequestsFullError if the followee has `max_requests`; a store without transactions may let concurrent
        calls exceed that by a few.
        """
        ...

    async def remove_follow(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Remove a follow, uncount it and write its events, or remove a request. Returns whether a follow has ended."""
        ...

    async def mute(self, follower_id: int, followee_id: int, muted_ms: int, records: Sequence[OutboxRecord]) -> bool:
        """Mute a followee since `muted_ms` and write the events. Returns False and changes nothing if it is muted.

        The mute ends with the follow. Raises NotFollowingError.
        """
        ...

    async def unmute(self, follower_id: int, followee_id: int, records: Sequence[OutboxRecord]) -> bool:
        """Unmute a followee and write the events. Returns False and changes nothing if it is not muted or not followed."""
        ...

    async def confirm_follow(
        self,
        follower_id: int,
        followee_id: int,
        records: Sequence[OutboxRecord],
        if_requested: Sequence[OutboxRecord] = (),
    ) -> Follow | None:
        """Return the follow or the request of a pair for a repeated call, and finish it if a crash left it half done.

        The events are written in that case, if the original ones are too old to be written. Returns None for a request whose
        followee is public by now.
        """
        ...

    async def get_follow(self, follower_id: int, followee_id: int) -> Follow | None:
        """Return the follow of a pair. A request is none."""
        ...

    async def get_counts(self, user_id: int) -> FollowCounts:
        """Return an account's counts, without requests."""
        ...

    async def get_follower_count(self, user_id: int) -> int | None:
        """Return how many follow an account, or None if it has no counts: that is not the same as 0."""
        ...

    async def list_followers(self, user_id: int, after: Follower | None, limit: int) -> Sequence[Follower]:
        """Return an account's followers after one's place (None: from the start), in order, at most `limit`.

        Fewer than `limit` means that there are no more. A follower keeps its place for as long as it follows.
        """
        ...

    async def list_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return the ids that an account follows after an id (None: from the start), ascending, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def list_unmuted_followees(self, user_id: int, after: int | None, limit: int) -> Sequence[int]:
        """Return the same as `list_followees`, without those that are muted."""
        ...

    async def get_last_cut(self, follower_id: int) -> int:
        """Return the id of the last change that took one of an account's follows out of its home feed; 0 before the first.

        An unfollow, a removal or a mute is such a *cut*, and is visible together with its id. What is read after the id lacks
        at least everything that was cut up to it. Ids are only equal or not: a later one may be the lower.
        """
        ...

    async def list_mutes(self, user_id: int, before: Mute | None, limit: int) -> Sequence[Mute]:
        """Return an account's mutes before another one (None: from the latest), the latest first, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def filter_unmuted(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return which of at most 1,000 ids an account follows and has not muted."""
        ...

    async def filter_followees(self, follower_id: int, followee_ids: Sequence[int]) -> AbstractSet[int]:
        """Return which of at most 1,000 ids an account follows, muted or not."""
        ...
