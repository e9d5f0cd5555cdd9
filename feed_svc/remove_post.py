"""Removal on delete: the post's card first, which hides it from every reader at once, then its entries."""

from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import Cards, Timelines


class RemovePost:
    """Takes a deleted post out of feeds."""

    def __init__(self, graph: Graph, timelines: Timelines, cards: Cards) -> None:
        self._graph = graph
        self._timelines = timelines
        self._cards = cards

    async def __call__(self, author_id: int, place: int) -> None:
        """Remove a post from all followers' timelines. Repeatable.

        An entry that a racing fan-out adds after this stays invisible: its post exists no more.
        """
        entry = entry_of(place, author_id)
        await self._cards.mark_gone(entry)
        async for viewers in self._graph.followers(author_id):
            await self._timelines.remove(viewers, entry)
