"""What feed_svc needs from its store."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from feed_svc.model import Cuts, Entry, HomeWindow, LogPosition, LogUpdate, Window

# The card of a post that does not exist.
GONE = b""


class Timelines(Protocol):
    """Home timelines. A timeline is live, absent or being built; while built it accepts pushes but is not read."""

    async def read(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Return at most `limit` entries of a live timeline below `below` (None: from the top), else None."""
        ...

    async def begin_build(self, viewer: int, position: LogPosition, lowest_seq: int) -> bytes | None:
        """Start a build and return its token; None if there is nothing to build.

        That is the case if the timeline is live and knows this log of celebrities at least up to `lowest_seq`, or if another
        caller is building it.
        """
        ...

    async def finish_build(
        self, viewer: int, token: bytes, window: Window, pulled: Sequence[int], cut: int = 0
    ) -> None:
        """Add entries and pulled authors to a timeline that the caller is still building, and make it live.

        `cut` is the viewer's last cut before its followees were read. It is kept as one that was seen now.
        """
        ...

    async def renew_lease(self, viewer: int, known: Cuts, new: Cuts, until_ms: int) -> bool:
        """Lease a live timeline until a time of the store's clock, and store its new cuts.

        Returns False and does nothing if its cuts are not the known ones any more.
        """
        ...

    async def renew_build(self, viewer: int, token: bytes) -> bytes:
        """Show that a build is still running. Returns its new token, which is void if the build was taken over."""
        ...

    async def abandon_build(self, viewer: int, token: bytes) -> None:
        """Make a timeline that the caller is still building absent again."""
        ...

    async def push(self, viewers: Sequence[int], entry: Entry) -> None:
        """Add an entry to the timelines that are not absent and whose floor is below it. Repeatable."""
        ...

    async def backfill(self, viewer: int, window: Window) -> None:
        """Add an author's entries to a timeline that is not absent, and raise its floor to theirs. Repeatable."""
        ...

    async def pull(self, viewer: int, author_id: int) -> None:
        """Add a pulled author to a timeline that is not absent. Repeatable."""
        ...

    async def integrate(
        self, viewer: int, known: LogPosition, seq: int, pulled: Sequence[int], pushed: Sequence[int], window: Window
    ) -> None:
        """Bring a live timeline from the known position up to change `seq`, atomically.

        `pulled` become pulled authors. `pushed` stop being pulled, and the window of all their posts is added as in a backfill.
        Does nothing if the timeline was rebuilt and knows less, or already knows everything.
        """
        ...

    async def remove(self, viewers: Sequence[int], entry: Entry) -> None:
        """Remove an entry from timelines. Repeatable."""
        ...

    async def remove_authors(self, viewer: int, author_ids: Sequence[int]) -> None:
        """Remove all entries of authors from a timeline, and the authors from the pulled ones. Repeatable."""
        ...

    async def whole(self, viewer: int) -> HomeWindow | None:
        """Return all of a live timeline, else None. This does not renew its time to live."""
        ...

    async def drop(self, viewer: int) -> None:
        """Delete a timeline. Repeatable."""
        ...

    async def check(self) -> None:
        """Return if the store responds."""
        ...


class TimelineWalk(Protocol):
    """A walk through all home timelines, round and round, that workers share."""

    async def next_viewer(self) -> int | None:
        """Return the viewer of the next timeline, or None if there is none for now."""
        ...


class Followees(Protocol):
    """Whom a viewer follows, kept for a minute for walks of old pages, and forgotten when that changes."""

    async def get(self, viewer: int) -> list[int] | None:
        """Return the kept followees, or None."""
        ...

    async def put(self, viewer: int, followees: Sequence[int]) -> None:
        """Keep followees that were just read, unless they have changed meanwhile."""
        ...

    async def forget(self, viewer: int) -> None:
        """Forget a viewer's followees, including those that a reader is just reading."""
        ...


class AuthorTimelines(Protocol):
    """Author timelines. Like a home timeline, one is live, absent or being built."""

    async def read(self, below: Mapping[int, bytes | None], limit: int) -> dict[int, Window | None]:
        """Return at most `limit` entries of each author below a bound (None: from the newest); None where not live."""
        ...

    async def begin_builds(self, authors: Sequence[int]) -> dict[int, bytes]:
        """Start building absent timelines. Returns the tokens of those that the caller must build."""
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
        """Remove a post from its author's timeline. Repeatable."""
        ...


class Celebrities(Protocol):
    """Which authors are pulled instead of pushed, and the log of changes to that."""

    async def decide(self, author_id: int, follower_count: int | None) -> bool:
        """Promote or demote an author by its follower count; tell whether to push its posts to followers.

        An author whose count is not known (None) stays what it is.

        Call this for each post after the push to the author timeline and before the first push to a follower. For the grace
        period after a promotion the answer is still True, until every reader has learned of it.
        """
        ...

    async def pulled_for_ms(self, author_id: int) -> int | None:
        """Return for how many milliseconds an author has been pulled; None for one who is pushed."""
        ...

    async def changes_since(self, life: bytes, seq: int) -> LogUpdate:
        """Return what is new after a known change; with an empty life, everything."""
        ...


class RecentUnfollows(Protocol):
    """Recent unfollows, whose posts a fan-out or rebuild that began earlier must not bring back."""

    async def add(self, viewer: int, author_id: int) -> None:
        """Remember that a viewer has unfollowed an author."""
        ...

    async def forget(self, viewer: int, author_id: int) -> None:
        """Forget an unfollow, because the viewer follows the author again."""
        ...

    async def unfollowers_of(self, author_id: int) -> set[int]:
        """Return the viewers who recently unfollowed an author."""
        ...

    async def unfollowed_by(self, viewer: int) -> set[int]:
        """Return the authors whom a viewer recently unfollowed."""
        ...


class Cards(Protocol):
    """Cards: serialized `FeedItem`s, cached for at most two minutes."""

    async def get(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Return each entry's card, b"" for a deleted post, None if it is not cached."""
        ...

    async def put(self, cards: Mapping[Entry, bytes]) -> None:
        """Cache cards, except for posts that are marked as gone."""
        ...

    async def put_absent(self, entries: Sequence[Entry]) -> None:
        """Remember for some seconds that posts do not exist, so that not each read asks for them."""
        ...

    async def mark_gone(self, entry: Entry) -> None:
        """Mark a post as deleted, for longer than a late card could take to arrive."""
        ...

    async def drop(self, entries: Sequence[Entry]) -> None:
        """Drop cards, so that the next read makes them again. Deleted posts stay marked."""
        ...
