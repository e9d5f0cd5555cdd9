"""Decline a follow request."""

from follow_svc.store.port import FollowStore
from meshkit.telemetry.catalog import FOLLOW_REQUESTS


class DeclineRequest:
    """Ends a request. Nobody is notified. Declining one that does not exist is not an error."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store
        self._requests = FOLLOW_REQUESTS.create()

    async def __call__(self, user_id: int, follower_id: int) -> None:
        """Decline the request if it exists. A follow stays."""
        if await self._store.remove_request(follower_id, user_id):
            self._requests.add(1, {"outcome": "declined"})
