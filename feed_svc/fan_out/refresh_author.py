"""Refreshes an author's newest cards after a change of the profile."""

from feed_svc.model import entry_of
from feed_svc.ports import Posts
from feed_svc.store.port import Cards

# Older cards show the old profile until they expire after two minutes.
NEWEST = 50


class RefreshAuthor:
    """Drops cards that show an outdated profile."""

    def __init__(self, posts: Posts, cards: Cards) -> None:
        self._posts = posts
        self._cards = cards

    async def __call__(self, author_id: int) -> None:
        """Drop the cards of an author's newest posts. Repeatable."""
        for places in await self._posts.newest([author_id], None, NEWEST):
            if places.places:
                await self._cards.drop([entry_of(place, author_id) for place in places.places])
