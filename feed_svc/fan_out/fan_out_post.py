"""Fans out a new post to its author's timeline and to the live home timelines of followers.

Celebrities' posts are not pushed: readers pull them from the author timelines.
"""

from feed_svc.fan_out.chunks import Change, PostChange
from feed_svc.fan_out.lag import record_pulled
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.model import entry_of
from feed_svc.ports import Graph
from feed_svc.store.port import AuthorTimelines, Celebrities


class FanOut:
    """Fans out one post."""

    def __init__(
        self, graph: Graph, authors: AuthorTimelines, celebrities: Celebrities, push_to_followers: PushToFollowers
    ) -> None:
        self._graph = graph
        self._authors = authors
        self._celebrities = celebrities
        self._push_to_followers = push_to_followers

    async def __call__(self, author_id: int, place: int) -> None:
        """Push a post to all followers, unless its author is a celebrity. Repeatable.

        The author timeline comes first, so a reader finds the post there whatever is decided next. With many followers, the
        rest is queued in chunks.
        """
        await self._authors.push(entry_of(place, author_id))
        if await self._celebrities.decide(author_id, await self._graph.follower_count(author_id)):
            await self._push_to_followers(PostChange(author_id, place, Change.PUSH))
        else:
            record_pulled(place)
