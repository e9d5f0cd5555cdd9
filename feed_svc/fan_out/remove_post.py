"""Removal on delete: the post's card first, which hides it from every reader at once, then its entries."""

import time

from feed_svc.fan_out.chunks import Change, PostChange
from feed_svc.fan_out.push_to_followers import ReachFollowers
from feed_svc.model import entry_of
from feed_svc.store.port import AuthorTimelines, Cards, Celebrities
from meshkit.ids import id_millis

# How far the clocks of post_svc, of the celebrities' log and of this process may be apart.
CLOCKS_MS = 60_000


class RemovePost:
    """Takes a deleted post out of feeds."""

    def __init__(
        self, cards: Cards, authors: AuthorTimelines, celebrities: Celebrities, reach: ReachFollowers, grace_ms: int
    ) -> None:
        self._cards = cards
        self._authors = authors
        self._celebrities = celebrities
        self._reach = reach
        self._grace_ms = grace_ms

    async def __call__(self, author_id: int, place: int) -> None:
        """Hide a post, and remove it from all timelines that may have it. Repeatable.

        An entry that a racing fan-out adds after this stays invisible: its post exists no more.
        """
        entry = entry_of(place, author_id)
        await self._cards.mark_gone(entry)
        await self._authors.remove(entry)
        if not await self._was_only_pulled(author_id, place):
            await self._reach(PostChange(author_id, place, Change.REMOVE))

    async def _was_only_pulled(self, author_id: int, place: int) -> bool:
        """Tell whether a post came so long after its author's promotion that no follower's timeline can have it."""
        pulled_for_ms = await self._celebrities.pulled_for_ms(author_id)
        if pulled_for_ms is None:
            return False
        published_for_ms = time.time() * 1_000 - id_millis(place)
        return published_for_ms < pulled_for_ms - self._grace_ms - CLOCKS_MS
