"""Make an account follow another."""

import time

from follow_svc.accounts import require_account
from follow_svc.delete_follow import DeleteFollow
from follow_svc.errors import UserNotFoundError, self_follow
from follow_svc.events import follow_created, follow_requested
from follow_svc.model import MAX_FOLLOWEES, Follow, FollowState
from follow_svc.ports import Account, Announce, Users
from follow_svc.store.port import FollowStore
from meshkit.events.outbox import OutboxRecord
from meshkit.sight import Gate, UserBlockedError
from meshkit.telemetry.catalog import FOLLOW_REQUESTS


class CreateFollow:
    """Creates a follow once, or a request if the followee is private. A repeated call returns what the first one created."""

    def __init__(
        self, store: FollowStore, users: Users[Account], announce: Announce, gate: Gate, delete_follow: DeleteFollow
    ) -> None:
        self._store = store
        self._users = users
        self._announce = announce
        self._gate = gate
        self._delete_follow = delete_follow
        self._requests = FOLLOW_REQUESTS.create()

    async def __call__(self, follower_id: int, followee_id: int) -> Follow:
        """Return the follow or the request, new or existing.

        Raises InvalidArgumentError (SELF_FOLLOW), UserNotFoundError, UserBlockedError, FollowLimitError at MAX_FOLLOWEES, and
        RequestsFullError.
        """
        if follower_id == followee_id:
            raise self_follow()
        await self._gate.approach(follower_id, followee_id, UserNotFoundError)
        created, requested = follow_created(follower_id, followee_id), follow_requested(follower_id, followee_id)
        # Answer a retry from the graph alone, so that it works while user_svc is down.
        first = await self._store.confirm_follow(follower_id, followee_id, [created], [requested])
        return first or await self._create(follower_id, followee_id, created, requested)

    async def _create(
        self, follower_id: int, followee_id: int, created: OutboxRecord, requested: OutboxRecord
    ) -> Follow:
        await require_account(self._users, followee_id)
        follow = Follow(follower_id, followee_id, created_ms=time.time_ns() // 1_000_000)
        added = await self._store.add_follow(follow, MAX_FOLLOWEES, [created], [requested])
        is_requested = added.follow.state is FollowState.REQUESTED
        if added.is_new:
            self._announce.send_soon(requested if is_requested else created)
            if is_requested:
                self._requests.add(1, {"outcome": "created"})
        await self._look_again(follower_id, followee_id)
        return added.follow

    async def _look_again(self, follower_id: int, followee_id: int) -> None:
        """End the follow if one of the two has blocked the other in the meantime."""
        try:
            await self._gate.approach(follower_id, followee_id, UserNotFoundError)
        except (UserNotFoundError, UserBlockedError):
            await self._delete_follow(follower_id, followee_id)
            raise
