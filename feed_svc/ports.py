"""What feed_svc asks of the other services, in its own words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from feed_svc.fan_out.chunks import FollowerPage
from feed_svc.model import Entry, Places

# Tells whether an error means that a part is down or too slow, so that a fallback is worth trying.
IsOutage = Callable[[Exception], bool]


class Graph(Protocol):
    """Whose posts belong into whose home feed. A follow that is muted counts only where a docstring says so."""

    async def follower_page(self, author_id: int, token: str) -> FollowerPage:
        """Return the page of an author's followers that a token names, perhaps empty; an empty token names the first page.

        Tokens stay valid while people follow and unfollow: a follower who stays is on some page.
        """
        ...

    async def followees(self, viewer: int) -> list[int]:
        """Return all accounts that a viewer follows (7,500 at most)."""
        ...

    async def followees_and_cut(self, viewer: int) -> tuple[list[int], int]:
        """Return the same, and the viewer's last cut before they were read."""
        ...

    async def last_cut(self, viewer: int) -> int:
        """Return the id of the last unfollow, removal or mute that took a followee from a viewer, or 0."""
        ...

    async def follows_anybody(self, viewer: int) -> bool:
        """Tell whether a viewer follows anybody, muted or not."""
        ...

    async def is_following(self, viewer: int, author_id: int) -> bool:
        """Tell whether a viewer follows an account now."""
        ...

    async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
        """Return the authors that a viewer follows now."""
        ...

    async def follower_count(self, author_id: int) -> int | None:
        """Return the number of an author's followers, those who muted it included, or None if it is not known."""
        ...


class Posts(Protocol):
    """The posts that exist."""

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        """Return at most `limit` places of each author, below a place or from the newest."""
        ...


class CardSource(Protocol):
    """Makes cards from data of post_svc and user_svc."""

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Return the cards of the entries whose posts exist."""
        ...
