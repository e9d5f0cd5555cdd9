"""The store of posts in domain words.

A post waits, is published, is deleted, and never goes back. Every write may be repeated, and races are decided here:
a place is claimed by compare-and-set, a deletion wins over a publication that has not claimed its place, and what is
published or deleted once is so for good. A store whose writes can pass each other (Cassandra) keeps that promise with write
times: all rows of a publication carry the time of its place, all tombstones of a deletion a later one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId
from post_svc.model import Claim, DeletedPost, Medium, Place, PublishedPost, WaitingPost

# How long an idempotency key stands for its post: the store's TTL.
CLAIM_TTL_MS = 24 * 3600 * 1000
# How long a deletion is remembered; longer than any key, so that a retry can never bring a post back.
DELETION_TTL_MS = 30 * CLAIM_TTL_MS


class PostStore(Protocol):
    """Keeps posts by author, and what is needed to make each exactly once."""

    async def claim_key(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind an author's key to a claim, unless it is bound since less than 24 hours; return what it is bound to."""
        ...

    async def find(self, post: PublicId) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Return a post as it is now, or None if there is none (or its deletion is forgotten)."""
        ...

    async def add_waiting(self, post: WaitingPost) -> bool:
        """Store a post that waits for its media. Does nothing for one that is already there, in whatever state.

        Returns whether it was stored.
        """
        ...

    async def claim_place(self, post: PublicId, proposed: int) -> int | None:
        """Give a waiting post its place, if it has none yet. Returns the place it has; None if it does not wait."""
        ...

    async def publish(self, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
        """Write a post at its place with its events, and end its waiting, all or nothing.

        Does nothing and returns False if the post is published or deleted, or if it waits and this place is not claimed for it.
        """
        ...

    async def withdraw(self, post: PublicId, deleted_at: int, records: Sequence[OutboxRecord] = ()) -> bool:
        """Delete a waiting post, and write the events.

        Does nothing and returns False if its place is claimed, or if it does not wait.

        `deleted_at` is in milliseconds since 1970.
        """
        ...

    async def delete(self, post: PublicId, place: int, deleted_at: int, records: Sequence[OutboxRecord]) -> bool:
        """Delete a post that stands, or by its claim is about to stand, at a place, and write the events.

        Does nothing and returns False if it is deleted already. `deleted_at` is in milliseconds since 1970.
        """
        ...

    async def improve_medium(self, place: Place, medium: Medium) -> None:
        """Join a newer version of a medium to the manifest of the post at a place, which shows it and was read just now.

        It may be repeated, changes nothing where the post is deleted, and is done for one version of each medium only.
        """
        ...

    async def list_posts(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Return an author's posts at places below `before_place`, newest first, at most `limit`."""
        ...

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Return the posts that stand at some places; the others are absent."""
        ...

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Return for each author the places below `before_place`, newest first, at most `limit` of each."""
        ...

    async def waiting_for(self, media_id: str) -> Sequence[PublicId]:
        """Return the posts that wait for a medium (and maybe for others)."""
        ...

    def waiting_since(self, minute: int) -> AsyncIterator[PublicId]:
        """Yield the waiting posts that were made in a minute, counted since 1970."""
        ...
