"""What feed_svc needs of its store, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from feed_svc.model import Entry, Window


class Timelines(Protocol):
    """Home timelines. One is live, or absent, or being built: then it takes pushes, but is not read."""

    async def read(self, viewer: int, below: Entry | None, limit: int) -> Window | None:
        """Return at most `limit` entries below `below` (None: from the top) of a live timeline, else None."""
        ...

    async def begin_build(self, viewer: int) -> bool:
        """Make the timeline one that is being built. False where it is live, or where somebody is building it."""
        ...

    async def finish_build(self, viewer: int, entries: Sequence[Entry], floor: Entry) -> None:
        """Add entries to a timeline that is being built, and make it live."""
        ...

    async def abandon_build(self, viewer: int) -> None:
        """Make a timeline that is being built absent again."""
        ...

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Add an entry to those of the viewers' timelines that are not absent and whose floor is below it. Repeatable."""
        ...

    async def backfill(self, viewer: int, entries: Sequence[Entry], floor: Entry) -> None:
        """Add an author's entries to a timeline that is not absent, and raise its floor to `floor`. Repeatable."""
        ...

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Take an entry out of timelines. Repeatable."""
        ...

    async def remove_author(self, viewer: int, author_id: int) -> None:
        """Take all entries of an author out of a timeline. Repeatable."""
        ...

    async def check(self) -> None:
        """Return if the store answers."""
        ...


class Partings(Protocol):
    """Who has lately unfollowed whom: what a fan-out or a rebuild that began before must not bring back."""

    async def add(self, viewer: int, author_id: int) -> None:
        """Remember that a viewer has unfollowed an author."""
        ...

    async def forget(self, viewer: int, author_id: int) -> None:
        """Forget it: the viewer follows the author again."""
        ...

    async def viewers_who_left(self, author_id: int) -> set[int]:
        """Return who has lately unfollowed an author."""
        ...

    async def authors_left_by(self, viewer: int) -> set[int]:
        """Return whom a viewer has lately unfollowed."""
        ...


class Cards(Protocol):
    """Cards: a post's serialized `FeedItem`, kept for less than two minutes."""

    async def get(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Return each entry's card, b"" for a post that is gone, None where it is not known."""
        ...

    async def put(self, cards: Mapping[Entry, bytes]) -> None:
        """Keep cards, but for posts that are known to be gone."""
        ...

    async def mark_gone(self, entry: Entry) -> None:
        """Remember that a post was deleted, for longer than any card of it could come late."""
        ...

    async def drop(self, entries: Sequence[Entry]) -> None:
        """Drop cards, so that the next read makes them anew. A post that is gone stays gone."""
        ...
