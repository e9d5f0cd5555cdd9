"""Make an account stop following another, or asking for it. Either of the two may do that."""

from follow_svc.events import follow_deleted
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore


class DeleteFollow:
    """Deletes a follow or a request. Deleting what does not exist is not an error. Only the end of a follow sends an event."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, follower_id: int, followee_id: int) -> None:
        """Delete the follow or the request if it exists."""
        record = follow_deleted(follower_id, followee_id)
        if await self._store.remove_follow(follower_id, followee_id, [record]):
            self._announce.send_soon(record)
