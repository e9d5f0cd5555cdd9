"""Tell what last took an account out of another one's home feed."""

from follow_svc.store.port import FollowStore


class GetLastCut:
    """Lets a home feed find out whether it still shows somebody whom its viewer has unfollowed or muted."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, user_id: int) -> int:
        """Return the id of an account's last cut, or 0."""
        return await self._store.get_last_cut(user_id)
