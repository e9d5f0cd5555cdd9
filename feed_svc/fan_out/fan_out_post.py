"""Fan-out on write: a new post goes into its author's own timeline, and into the followers' home timelines that are alive.

Readers pull what celebrities post from the celebrities' own timelines.
"""

from feed_svc.fan_out.chunks import Change, PostChange
from feed_svc.fan_out.push_to_followers import ReachFollowers
from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import AuthorTimelines, Celebrities


class FanOut:
    """Pushes a post."""

    def __init__(self, graph: Graph, authors: AuthorTimelines, celebrities: Celebrities, reach: ReachFollowers) -> None:
        self._graph = graph
        self._authors = authors
        self._celebrities = celebrities
        self._reach = reach

    async def __call__(self, author_id: int, place: int) -> None:
        """Push a post to all followers, unless they pull its author. Repeatable. Many followers are reached a little later.

        The author's own timeline comes first: whatever is decided after that, a reader finds the post by one way or both.
        """
        await self._authors.push(entry_of(place, author_id))
        if await self._celebrities.decide(author_id, await self._graph.follower_count(author_id)):
            await self._reach(PostChange(author_id, place, Change.PUSH))
