"""Find out which of some accounts an account follows and has not muted."""

from collections.abc import Sequence

from follow_svc.store.port import FollowStore


class FilterFollowed:
    """Filters a list of accounts down to those whose posts belong into a home feed."""

    def __init__(self, store: FollowStore) -> None:
        self._store = store

    async def __call__(self, follower_id: int, followee_ids: Sequence[int]) -> list[int]:
        """Return those that are followed and not muted, in the order of the request."""
        followed = await self._store.filter_unmuted(follower_id, followee_ids)
        return [followee_id for followee_id in followee_ids if followee_id in followed]
