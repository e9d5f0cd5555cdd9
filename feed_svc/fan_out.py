"""Fan-out on write: a new post goes into its author's own timeline, and into the followers' home timelines that are alive.

Readers pull what celebrities post from the celebrities' own timelines.
"""

from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import AuthorTimelines, Celebrities, Partings, Timelines


class FanOut:
    """Pushes a post, page of followers by page."""

    def __init__(
        self,
        graph: Graph,
        timelines: Timelines,
        partings: Partings,
        authors: AuthorTimelines,
        celebrities: Celebrities,
    ) -> None:
        self._graph = graph
        self._timelines = timelines
        self._partings = partings
        self._authors = authors
        self._celebrities = celebrities

    async def __call__(self, author_id: int, place: int) -> None:
        """Push a post to all followers, unless they pull its author. Repeatable.

        The author's own timeline comes first: whatever is decided after that, a reader finds the post by one way or both.

        Who unfollowed after their page was read is looked up after the push, not before: whichever of the push and the unfollow's
        own removal came last, one of the two takes the entry out.
        """
        entry = entry_of(place, author_id)
        await self._authors.push(entry)
        if not await self._celebrities.decide(author_id, await self._graph.follower_count(author_id)):
            return
        async for viewers in self._graph.followers(author_id):
            await self._timelines.push(viewers, entry)
            left = await self._partings.viewers_who_left(author_id)
            if gone := [viewer for viewer in viewers if viewer in left]:
                await self._timelines.remove(gone, entry)
