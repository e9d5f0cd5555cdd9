"""What feed_svc asks of the other services, in its own words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from feed_svc.fan_out.chunks import FollowerPage
from feed_svc.model import Entry, Places

# Tells whether an error means that a part is down or too slow, so that another way is worth a try.
IsOutage = Callable[[Exception], bool]


class Graph(Protocol):
    """Who follows whom."""

    async def follower_page(self, author_id: int, token: str) -> FollowerPage:
        """Return a page of an author's followers: the first for an empty token, else the one that the token names.

        Tokens stay good while people follow and unfollow: who follows all the time is in some page.
        """
        ...

    async def followees(self, viewer: int) -> list[int]:
        """Return all accounts that a viewer follows (7,500 at most)."""
        ...

    async def follows_anybody(self, viewer: int) -> bool:
        """Tell whether a viewer follows an account at all."""
        ...

    async def is_following(self, viewer: int, author_id: int) -> bool:
        """Tell whether a viewer follows an account now."""
        ...

    async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
        """Return those of the authors whom a viewer follows now."""
        ...

    async def follower_count(self, author_id: int) -> int:
        """Return how many follow an author."""
        ...


class Posts(Protocol):
    """The posts that exist."""

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        """Return at most `limit` places of each of any number of authors, below a place or from the newest."""
        ...


class CardSource(Protocol):
    """Makes cards from what post_svc and user_svc know."""

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Return the cards of those entries whose posts exist."""
        ...
