"""Tell how many follow an account, for the other services."""

from follow_svc.store.port import FollowStore


class GetFollowerCount:
    """Reads the count that follows and unfollows keep."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, user_id: int) -> int:
        """Return how many follow an account; an unknown one has no followers."""
        return (await self._store.get_counts(user_id)).followers
