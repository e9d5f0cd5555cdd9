"""Unmute an account."""

from follow_svc.events import follow_unmuted
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore


class DeleteMute:
    """Brings an account's posts back into a follower's home feed. Unmuting an account that is not muted is not an error."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, follower_id: int, followee_id: int) -> None:
        """Unmute the account if it is muted."""
        record = follow_unmuted(follower_id, followee_id)
        if await self._store.unmute(follower_id, followee_id, [record]):
            self._announce.send_soon(record)
