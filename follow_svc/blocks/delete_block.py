"""Unblock an account."""

from follow_svc.blocks.end_follows import EndFollows
from follow_svc.store.port import FollowStore


class DeleteBlock:
    """Ends a block. The follows that it ended stay ended. Unblocking an account that is not blocked is not an error."""

    def __init__(self, store: FollowStore, end_follows: EndFollows) -> None:
        self._store = store
        self._end_follows = end_follows

    async def __call__(self, user_id: int, other_id: int) -> None:
        """Unblock the account if it is blocked.

        The follows end first: their block may have been interrupted, and once it is gone nothing else would end them.
        """
        await self._end_follows(user_id, other_id)
        await self._store.unblock(user_id, other_id)
