"""The part of the store's port about follow requests."""

from collections.abc import Sequence
from typing import Protocol

from follow_svc.model import AddedFollow, FollowRequest
from meshkit.events.outbox import OutboxRecord


class RequestStore(Protocol):
    """Who asks to follow whom. No method of the graph takes a request for a follow."""

    async def get_request(self, follower_id: int, followee_id: int) -> FollowRequest | None:
        """Return the request of a pair."""
        ...

    async def accept_request(
        self,
        follower_id: int,
        followee_id: int,
        created_ms: int,
        records: Sequence[OutboxRecord],
        requested_ms: int | None = None,
    ) -> AddedFollow | None:
        """Turn a request into a follow, count it and write its events. Returns an existing follow; None if there is neither.

        With `requested_ms`, accept only the request of that time. Of an acceptance and a removal at the same moment, the first
        one wins: the removal then removes the follow, or the acceptance returns None.
        """
        ...

    async def remove_request(self, follower_id: int, followee_id: int) -> bool:
        """Remove a request. Returns False and changes nothing if there is none, even if there is a follow."""
        ...

    async def list_requests(self, user_id: int, before: FollowRequest | None, limit: int) -> Sequence[FollowRequest]:
        """Return the requests to an account before another one (None: from the latest), the latest first, at most `limit`.

        Fewer than `limit` means that there are no more.
        """
        ...

    async def write_events(self, records: Sequence[OutboxRecord]) -> None:
        """Write events alone."""
        ...
