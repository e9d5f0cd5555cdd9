"""The port that the use cases define for their store.

A post waits, is published, is deleted, and never goes back. Every write may be repeated. The store decides races: a place is
claimed by compare-and-set, a deletion wins over a publication that has not claimed its place, and a publication or deletion is
final. A store whose writes can overtake each other (Cassandra) keeps this promise with write times: all rows of a publication
carry the time of its place, and the tombstones of a deletion a later one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from meshkit.ids import PublicId
from post_svc.model import DeletedPost, IndexProgress, Medium, Place, PublishedPost, WaitingPost

# How long a deletion is remembered. Longer than any key lives, so that no retry recreates the post.
DELETION_TTL_MS = 30 * 24 * 3600 * 1000


class PostStore(Protocol):
    """Stores posts by author, and what makes each of them unique."""

    async def claim_key(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind an author's key to a claim unless it was bound within 24 hours. Returns what it is bound to."""
        ...

    async def find(self, post: PublicId) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Return a post in its current state, or None if there is none (or its deletion was forgotten)."""
        ...

    async def add_waiting(self, post: WaitingPost) -> bool:
        """Store a post that waits for its media. Does nothing if the post exists in any state.

        Returns whether it was stored.
        """
        ...

    async def claim_place(self, post: PublicId, proposed: int) -> int | None:
        """Give a waiting post its place unless it has one. Returns its place, or None if it does not wait.

        A place that is late by the time of the proposed one is replaced: its publisher has died.
        """
        ...

    async def publish(self, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
        """Publish a post at its place with its events and end its waiting, all or nothing.

        Does nothing and returns False if it is already published or deleted, or waits without having claimed this place.
        """
        ...

    async def withdraw(self, post: PublicId, deleted_at: int, records: Sequence[OutboxRecord] = ()) -> bool:
        """Delete a waiting post and write the events.

        Does nothing and returns False if its place is claimed or it does not wait. `deleted_at` is in milliseconds since 1970.
        """
        ...

    async def delete(self, post: PublicId, place: int, deleted_at: int, records: Sequence[OutboxRecord]) -> bool:
        """Delete a post that is published, or about to be, at a place, and write the events.

        Does nothing and returns False if it is already deleted. `deleted_at` is in milliseconds since 1970.
        """
        ...

    async def improve_medium(self, place: Place, medium: Medium) -> None:
        """Add a newer version of a medium to the post at a place. The caller has just read that post.

        Repeatable; changes nothing if the post is deleted. A medium is improved at most once.
        """
        ...

    async def list_posts(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Return an author's posts at places below `before_place`, newest first, at most `limit`."""
        ...

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Return the posts that stand at some places; the others are absent."""
        ...

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Return each author's places below `before_place`, newest first, at most `limit` each."""
        ...

    async def places_showing(self, author_id: int, media_id: str, before_place: int, limit: int) -> Sequence[Place]:
        """Return where an author's posts show a medium, below a place, newest first. Some of the posts may be gone."""
        ...

    async def index_posts(self, posts: Sequence[PublishedPost]) -> None:
        """Note which media some posts show, as publishing them does. Repeatable; a deleted post is not brought back."""
        ...

    async def authors_after(self, position: int | None, limit: int) -> Sequence[tuple[int, int]]:
        """Return (position, author id) of the next authors of published posts, in the store's order; None: from the start."""
        ...

    async def index_progress(self) -> IndexProgress | None:
        """Return how far older posts were indexed; None if that has not begun."""
        ...

    async def set_index_progress(self, progress: IndexProgress) -> None:
        """Store how far older posts were indexed."""
        ...

    async def waiting_for(self, media_id: str) -> Sequence[PublicId]:
        """Return the posts that wait for a medium (and perhaps for others)."""
        ...

    def waiting_since(self, minute: int) -> AsyncIterator[PublicId]:
        """Yield the waiting posts that were created in a minute, counted since 1970."""
        ...
