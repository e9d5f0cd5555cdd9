"""Removes a deleted post: first its card, which hides it from every reader, then its entries."""

import time

from feed_svc.fan_out.chunks import Change, PostChange
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.model import entry_of
from feed_svc.store.port import AuthorTimelines, Cards, Celebrities
from meshkit.crash_points import crash_point
from meshkit.ids import id_millis

# How much the clocks of post_svc, of the celebrities' log and of this process may differ.
CLOCKS_MS = 60_000


class RemovePost:
    """Removes a deleted post from feeds."""

    def __init__(
        self,
        cards: Cards,
        authors: AuthorTimelines,
        celebrities: Celebrities,
        push_to_followers: PushToFollowers,
        grace_ms: int,
    ) -> None:
        self._cards = cards
        self._authors = authors
        self._celebrities = celebrities
        self._push_to_followers = push_to_followers
        self._grace_ms = grace_ms

    async def __call__(self, author_id: int, place: int) -> None:
        """Hide a post and remove it from all timelines that may have it. Repeatable.

        An entry that a concurrent fan-out adds later stays invisible, because it has no card.
        """
        entry = entry_of(place, author_id)
        await self._cards.mark_gone(entry)
        crash_point("delete.hidden")
        await self._authors.remove(entry)
        if not await self._was_only_pulled(author_id, place):
            await self._push_to_followers(PostChange(author_id, place, Change.REMOVE))

    async def _was_only_pulled(self, author_id: int, place: int) -> bool:
        """Tell whether a post was published so long after its author's promotion that it was never pushed."""
        pulled_for_ms = await self._celebrities.pulled_for_ms(author_id)
        if pulled_for_ms is None:
            return False
        published_for_ms = time.time() * 1_000 - id_millis(place)
        return published_for_ms < pulled_for_ms - self._grace_ms - CLOCKS_MS
