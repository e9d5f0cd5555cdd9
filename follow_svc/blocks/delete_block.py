"""Unblock an account."""

from follow_svc.store.port import FollowStore


class DeleteBlock:
    """Ends a block. The follows that it ended stay ended. Unblocking an account that is not blocked is not an error."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, user_id: int, other_id: int) -> None:
        """Unblock the account if it is blocked."""
        await self._store.unblock(user_id, other_id)
