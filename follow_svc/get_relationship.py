"""Show who of two accounts follows whom."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from follow_svc.accounts import require_account
from follow_svc.errors import UserNotFoundError
from follow_svc.model import FollowCounts
from follow_svc.ports import Account, Users
from follow_svc.sight import Standing, Visibility
from follow_svc.store.port import FollowStore
from meshkit.sight import Gate, SightKind


@dataclass(frozen=True, slots=True)
class Relationship:
    """Who of a viewer and an account follows or asks to follow whom, whether the viewer mutes or blocks it, and what it shows."""

    following: bool
    followed_by: bool
    muting: bool
    blocking: bool
    requested: bool
    requested_by: bool
    visibility: Visibility
    counts: FollowCounts


class GetRelationship:
    """Reads a pair in both directions, and the counts and the visibility of its second account."""

    def __init__(self, store: FollowStore, users: Users[Account], gate: Gate) -> None:
        self._store = store
        self._users = users
        self._gate = gate

    async def __call__(self, viewer_id: int, user_id: int) -> Relationship:
        """Return the relationship of the viewer and `user_id`. Raises UserNotFoundError."""
        (kind, _, standings, counts), (follows, followed_by), (requested, requested_by) = await asyncio.gather(
            self._account(viewer_id, user_id),
            asyncio.gather(self._store.get_follow(viewer_id, user_id), self._store.get_follow(user_id, viewer_id)),
            asyncio.gather(self._store.get_request(viewer_id, user_id), self._store.get_request(user_id, viewer_id)),
        )
        return Relationship(
            following=follows is not None,
            followed_by=followed_by is not None,
            muting=follows is not None and follows.is_muted,
            blocking=kind is SightKind.BLOCKING,
            requested=requested is not None,
            requested_by=requested_by is not None,
            visibility=standings.get(user_id, Standing()).visibility,
            counts=counts,
        )

    async def _account(
        self, viewer_id: int, user_id: int
    ) -> tuple[SightKind, None, Mapping[int, Standing], FollowCounts]:
        return await asyncio.gather(
            self._gate.meet(viewer_id, user_id, UserNotFoundError),
            require_account(self._users, user_id),
            self._store.get_standings([user_id]),
            self._store.get_counts(user_id),
        )
