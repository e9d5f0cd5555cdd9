"""What feed_svc needs of its store, in its own words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from feed_svc.model import Entry, HomeWindow, LogNews, LogPosition, Window


class Timelines(Protocol):
    """Home timelines. One is live, or absent, or being built: then it takes pushes, but is not read."""

    async def read(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Return at most `limit` entries below `below` (None: from the top) of a live timeline, else None."""
        ...

    async def begin_build(self, viewer: int, position: LogPosition, lowest_seq: int) -> bytes | None:
        """Make the timeline one that is being built by the caller, who gets a token; None where nothing is to be built.

        That is where it is live and knows this log of celebrities up to `lowest_seq` at the least, or where somebody builds
        it.
        """
        ...

    async def finish_build(self, viewer: int, token: bytes, window: Window, pulled: Sequence[int]) -> None:
        """Add entries and pulled authors to a timeline that the caller is still building, and make it live."""
        ...

    async def abandon_build(self, viewer: int, token: bytes) -> None:
        """Make a timeline that the caller is still building absent again."""
        ...

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Add an entry to those of the viewers' timelines that are not absent and whose floor is below it. Repeatable."""
        ...

    async def backfill(self, viewer: int, window: Window) -> None:
        """Add an author's entries to a timeline that is not absent, and raise its floor to theirs. Repeatable."""
        ...

    async def pull(self, viewer: int, author_id: int) -> None:
        """Make an author a pulled one of a timeline that is not absent. Repeatable."""
        ...

    async def integrate(
        self, viewer: int, known: LogPosition, seq: int, pulled: Sequence[int], pushed: Sequence[int], window: Window
    ) -> None:
        """Bring a live timeline from the known position up to change `seq`, at once or not at all.

        `pulled` become pulled authors; `pushed` are so no longer, and the window of all their posts is added like a
        backfill. Does nothing where the timeline is another one by now that knows less, or knows it all.
        """
        ...

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Take an entry out of timelines. Repeatable."""
        ...

    async def remove_author(self, viewer: int, author_id: int) -> None:
        """Take all entries of an author out of a timeline, and the author from those who are pulled. Repeatable."""
        ...

    def viewers(self) -> AsyncIterator[int]:
        """Yield the viewers of timelines that are there, in no order; some may come twice."""
        ...

    async def whole(self, viewer: int) -> HomeWindow | None:
        """Return all of a live timeline, else None. No read by its viewer: it does not live longer for it."""
        ...

    async def drop(self, viewer: int) -> None:
        """Make a timeline absent. Repeatable."""
        ...

    async def check(self) -> None:
        """Return if the store answers."""
        ...


class AuthorTimelines(Protocol):
    """Authors' own newest posts. Like home timelines, one is live, or absent, or being built."""

    async def read(self, below: Mapping[int, bytes | None], limit: int) -> dict[int, Window | None]:
        """Return at most `limit` entries of each author below a bound (None: from the newest); None where not live."""
        ...

    async def begin_builds(self, authors: Sequence[int]) -> dict[int, bytes]:
        """Make absent timelines ones that are being built. Returns the tokens of those that the caller is to build."""
        ...

    async def finish_builds(self, tokens: Mapping[int, bytes], windows: Mapping[int, Window]) -> None:
        """Add entries to timelines that the caller is still building, and make them live."""
        ...

    async def abandon_builds(self, tokens: Mapping[int, bytes]) -> None:
        """Make timelines that the caller is still building absent again."""
        ...

    async def push(self, entry: Entry) -> None:
        """Add a post to its author's timeline, unless that is absent. Repeatable."""
        ...

    async def remove(self, entry: Entry) -> None:
        """Take a post out of its author's timeline. Repeatable."""
        ...


class Celebrities(Protocol):
    """Which authors are pulled by readers instead of being pushed to them, and the log of how that changed."""

    async def decide(self, author_id: int, follower_count: int) -> bool:
        """Promote or demote an author by its follower count, and tell whether a post of it is to be pushed to its followers.

        Ask for each post after it was pushed to the author's own timeline, and before the first push to a follower. For some
        time after a promotion the answer goes on being True, until every reader has learned of it.
        """
        ...

    async def pulled_for_ms(self, author_id: int) -> int | None:
        """Return since how many milliseconds an author is pulled; None for one who is pushed."""
        ...

    async def news(self, life: bytes, seq: int) -> LogNews:
        """Return what is new after a change of a log; with an empty life, everything."""
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
