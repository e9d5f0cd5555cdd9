"""Make an account follow another no longer."""

from follow_svc.events import follow_deleted
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore


class DeleteFollow:
    """Ends a follow. One that is not there, of whatever account, is no error and no event."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, follower_id: int, followee_id: int) -> None:
        """End the follow, if it is there."""
        record = follow_deleted(follower_id, followee_id)
        if await self._store.remove_follow(follower_id, followee_id, [record]):
            self._announce.send_soon(record)
