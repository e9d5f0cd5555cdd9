"""End the follows and requests between two accounts."""

from follow_svc.delete_follow import DeleteFollow
from follow_svc.store.port import FollowStore


class EndFollows:
    """Ends all follows and requests of two accounts if one of them blocks the other."""

    def __init__(self, store: FollowStore, delete_follow: DeleteFollow) -> None:
        self._store = store
        self._delete_follow = delete_follow

    async def __call__(self, user_id: int, other_id: int) -> bool:
        """End them, and mutes with them. Returns False and changes nothing if neither account blocks the other."""
        stance = (await self._store.get_stances(user_id, [other_id])).get(other_id)
        if stance is None or not any(stance):
            return False
        await self._delete_follow(user_id, other_id)
        await self._delete_follow(other_id, user_id)
        return True
