"""Fan-out on write: a new post goes into the home timelines of its author's followers that are alive."""

from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import Partings, Timelines


class FanOut:
    """Pushes a post, page of followers by page."""

    def __init__(self, graph: Graph, timelines: Timelines, partings: Partings) -> None:
        self._graph = graph
        self._timelines = timelines
        self._partings = partings

    async def __call__(self, author_id: int, place: int) -> None:
        """Push a post to all followers. Repeatable.

        Who unfollowed after their page was read is looked up after the push, not before: whichever of the push and the unfollow's
        own removal came last, one of the two takes the entry out.
        """
        entry = entry_of(place, author_id)
        async for viewers in self._graph.followers(author_id):
            await self._timelines.push(viewers, entry)
            left = await self._partings.viewers_who_left(author_id)
            if gone := [viewer for viewer in viewers if viewer in left]:
                await self._timelines.remove(gone, entry)
