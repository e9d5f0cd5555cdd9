"""Make an account follow another."""

import time

from follow_svc.accounts import require_account
from follow_svc.errors import self_follow
from follow_svc.events import follow_created
from follow_svc.model import MAX_FOLLOWEES, Follow
from follow_svc.ports import Account, Announce, Users
from follow_svc.store.port import FollowStore
from meshkit.events.outbox import OutboxRecord


class CreateFollow:
    """Creates a follow once. A repeated call returns the first follow and changes nothing."""

    def __init__(self, store: FollowStore, users: Users[Account], announce: Announce) -> None:
        self._store = store
        self._users = users
        self._announce = announce

    async def __call__(self, follower_id: int, followee_id: int) -> Follow:
        """Return the follow, new or existing.

        Raises InvalidArgumentError (SELF_FOLLOW), UserNotFoundError, and FollowLimitError at MAX_FOLLOWEES.
        """
        if follower_id == followee_id:
            raise self_follow()
        record = follow_created(follower_id, followee_id)
        # Answer a retry from the graph alone, so that it works while user_svc is down.
        first = await self._store.confirm_follow(follower_id, followee_id, [record])
        return first or await self._create(follower_id, followee_id, record)

    async def _create(self, follower_id: int, followee_id: int, record: OutboxRecord) -> Follow:
        await require_account(self._users, followee_id)
        follow = Follow(follower_id, followee_id, created_ms=time.time_ns() // 1_000_000)
        added = await self._store.add_follow(follow, MAX_FOLLOWEES, [record])
        if added.is_new:
            self._announce.send_soon(record)
        return added.follow
