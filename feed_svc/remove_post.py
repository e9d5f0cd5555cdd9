"""Removal on delete: the post's card first, which hides it from every reader at once, then its entries."""

from feed_svc.fan_out_chunk import Change, PostChange
from feed_svc.model import entry_of
from feed_svc.reach_followers import ReachFollowers
from feed_svc.store.port import Cards


class RemovePost:
    """Takes a deleted post out of feeds."""

    def __init__(self, cards: Cards, reach: ReachFollowers) -> None:
        self._cards = cards
        self._reach = reach

    async def __call__(self, author_id: int, place: int) -> None:
        """Hide a post, and remove it from all followers' timelines. Repeatable.

        An entry that a racing fan-out adds after this stays invisible: its post exists no more.
        """
        await self._cards.mark_gone(entry_of(place, author_id))
        await self._reach(PostChange(author_id, place, Change.REMOVE))
