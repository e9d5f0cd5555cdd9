"""Return the number of an account's followers to the other services."""

from follow_svc.store.port import FollowStore


class GetFollowerCount:
    """Reads the stored follower count."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, user_id: int) -> int | None:
        """Return how many accounts follow this one, or None if no count is known."""
        return await self._store.get_follower_count(user_id)
