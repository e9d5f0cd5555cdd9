"""Mute an account that an account follows."""

import time

from follow_svc.events import follow_muted
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore


class CreateMute:
    """Keeps an account's posts out of a follower's home feed. A repeated call changes nothing."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, follower_id: int, followee_id: int) -> None:
        """Mute the account. Raises NotFollowingError."""
        record = follow_muted(follower_id, followee_id)
        if await self._store.mute(follower_id, followee_id, time.time_ns() // 1_000_000, [record]):
            self._announce.send_soon(record)
