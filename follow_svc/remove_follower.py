"""Make another account stop following the caller."""

from follow_svc.events import follow_deleted
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore


class RemoveFollower:
    """Ends a follow from the followee's side. Removing an account that does not follow is not an error and sends no event."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, followee_id: int, follower_id: int) -> None:
        """End the follow if it exists."""
        record = follow_deleted(follower_id, followee_id)
        if await self._store.remove_follow(follower_id, followee_id, [record]):
            self._announce.send_soon(record)
