"""Refreshes an author's newest cards after a change of the profile or of the account's visibility."""

from feed_svc.model import entry_of
from feed_svc.ports import Posts
from feed_svc.store.port import Cards

# Older cards show the old state until they expire after two minutes.
NEWEST_OF_PROFILE = 50
NEWEST_OF_PRIVACY = 200


class RefreshAuthor:
    """Drops cards that show an outdated author."""

    def __init__(self, posts: Posts, cards: Cards) -> None:
        self._posts = posts
        self._cards = cards

    async def __call__(self, author_id: int, newest: int) -> None:
        """Drop the cards of an author's newest posts. Repeatable."""
        for places in await self._posts.newest([author_id], None, newest):
            if places.places:
                await self._cards.drop([entry_of(place, author_id) for place in places.places])
