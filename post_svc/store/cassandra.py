"""PostStore in Cassandra.

A write that others may race is first decided by an LWT on the post's life. Everything that follows from the decision is then
written in one logged batch, which can be repeated. If a process dies in between, the next one to see the decision without its
rows writes the batch again. Write times let these batches arrive in any order.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from meshkit.cassandra import Cassandra, Step, write_with_events
from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from meshkit.idempotency.cassandra_keys import CassandraKeys, key_statements
from meshkit.ids import PublicId, id_millis, new_id
from post_svc.model import DeletedPost, IndexProgress, Medium, Place, PublishedPost, WaitingPost, is_late
from post_svc.store.cassandra_lives import Life, Lives, State, deletion, publication
from post_svc.store.cassandra_media import MediaIndex, add_uses, remove_uses
from post_svc.store.cassandra_timelines import Timelines, publish_steps, remove_steps
from post_svc.store.cassandra_waiting import WaitingIndex, begin_steps, end_steps

MIGRATIONS = Path(__file__).parent / "migrations"
_READ_KEY, _BIND_KEY = key_statements("post_id")
# Cassandra rejects batches above 50 KiB by default. The largest posts have 60 KiB of text and media.
MAX_BATCH_BYTES = 32 * 1024


class CassandraPostStore:
    """Posts in one keyspace. `make_event` makes the event of a publication, by author and place."""

    def __init__(self, cassandra: Cassandra, make_event: Callable[[int, int], OutboxRecord] | None = None) -> None:
        self._cassandra = cassandra
        self._make_event = make_event
        self._keys = CassandraKeys(cassandra, _READ_KEY, _BIND_KEY)
        self._lives = Lives(cassandra)
        self._timelines = Timelines(cassandra)
        self._waiting = WaitingIndex(cassandra)
        self._media = MediaIndex(cassandra)

    async def claim_key(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(author_id, key, claim)

    async def find(self, post: PublicId) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Look for a published post first, as most are. Otherwise the post's life tells its state."""
        published = await self._timelines.find(post)
        if published is not None:
            return published
        match life := await self._lives.read(post):
            case Life(State.WAITING):
                return life.waiting(post)
            case Life(State.PUBLISHED, int(place)):
                life = await self._complete(post, life)
                is_published = life.state is State.PUBLISHED
                return life.published(post, life.place or place) if is_published else DeletedPost(post)
            case Life(State.DELETED):
                return DeletedPost(post)
            case _:
                return None

    async def add_waiting(self, post: WaitingPost) -> bool:
        """Write the index rows first, so that every waiting post can be found."""
        if await self.find(post.id) is not None:
            return False
        await self._cassandra.execute_batch(*begin_steps(post.id, post.media_ids))
        waiting = Life(State.WAITING, post.place, post.caption, post.media_ids)
        life, has_moved = await self._lives.move(post.id, lambda life: waiting if life is None else None)
        if life is not None and life.state is not State.WAITING:  # it was published or deleted meanwhile
            await self._cassandra.execute_batch(*end_steps(post.id, post.media_ids))
        return has_moved

    async def claim_place(self, post: PublicId, proposed: int) -> int | None:
        """Claim a place by compare-and-set."""
        life, _ = await self._lives.move(post, lambda life: _with_place(life, proposed))
        return life.place if life is not None and life.state is State.WAITING else None

    async def publish(self, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
        """Decide, then write the rows."""
        at_once = publication(post, (), records)
        if post.place == post.id.local and await self._lives.begin(post.id, at_once):
            await self._write(post.id, at_once)
            return True
        life, has_moved = await self._lives.move(post.id, lambda life: _published(life, post, records))
        return await self._carry_out(post.id, life, has_moved=has_moved)

    async def withdraw(
        self,
        post: PublicId,
        deleted_at: int,  # noqa: ARG002 - the TTL counts from the write
        records: Sequence[OutboxRecord] = (),
    ) -> bool:
        """Delete a waiting post."""
        life, has_moved = await self._lives.move(post, lambda life: _withdrawn(life, records))
        return has_moved and await self._carry_out(post, life, has_moved=has_moved)

    async def delete(
        self,
        post: PublicId,
        place: int,
        deleted_at: int,  # noqa: ARG002 - the TTL counts from the write
        records: Sequence[OutboxRecord],
    ) -> bool:
        """Decide, then write the rows."""
        life, has_moved = await self._lives.move(post, lambda life: _deleted(life, place, records))
        return await self._carry_out(post, life, has_moved=has_moved)

    async def improve_medium(self, place: Place, medium: Medium) -> None:
        """Store the new version next to the manifest."""
        await self._timelines.improve(place, medium)

    async def list_posts(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Read a page of an author's timeline."""
        return await self._timelines.page(author_id, before_place, limit)

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Read posts by key, many at once."""
        return await self._timelines.posts_at(places)

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Read the newest places of some authors, many at once."""
        return await self._timelines.places_of(author_ids, before_place, limit)

    async def places_showing(self, author_id: int, media_id: str, before_place: int, limit: int) -> Sequence[Place]:
        """Read the index of media."""
        return await self._media.places(author_id, media_id, before_place, limit)

    async def index_posts(self, posts: Sequence[PublishedPost]) -> None:
        """Add posts to the index of media."""
        await self._media.add(posts)

    async def authors_after(self, position: int | None, limit: int) -> Sequence[tuple[int, int]]:
        """Return the next authors by token."""
        return await self._media.authors(position, limit)

    async def index_progress(self) -> IndexProgress | None:
        """Return how far older posts were indexed."""
        return await self._media.progress()

    async def set_index_progress(self, progress: IndexProgress) -> None:
        """Store how far older posts were indexed."""
        await self._media.set_progress(progress)

    async def waiting_for(self, media_id: str) -> Sequence[PublicId]:
        """Return the posts that wait for a medium."""
        return await self._waiting.for_medium(media_id)

    def waiting_since(self, minute: int) -> AsyncIterator[PublicId]:
        """Read the waiting posts of a minute, page by page."""
        return self._waiting.since(minute)

    async def _carry_out(self, post: PublicId, life: Life | None, *, has_moved: bool) -> bool:
        """Write the rows of a decision: this call's, or another's that are missing. Returns whether this call decided."""
        if life is not None and has_moved:
            await self._write(post, life)
        elif life is not None:
            await self._complete(post, life)
        return has_moved

    async def _complete(self, post: PublicId, life: Life) -> Life:
        """Write the rows that a life implies, unless they are there. Returns the life as it is then."""
        if life.place is None or life.state is State.WAITING:
            return life
        is_there = await self._timelines.has_post(Place(post.owner, life.place))
        if is_there == (life.state is State.PUBLISHED):
            return life
        if life.state is State.PUBLISHED and is_late(life.place, self._cassandra.now_ms()):
            life = await self._publish_later(post, life, life.place)
        await self._write(post, life)
        return life

    async def _publish_later(self, post: PublicId, life: Life, late: int) -> Life:
        """Move a publication that nobody has seen to a fresh place. Returns the life as it is then."""
        if self._make_event is None:
            return life
        place = new_id(self._cassandra.now_ms())
        moved = replace(life, place=place, events=(self._make_event(post.owner, place),), revision=uuid.uuid4())
        # First, so that a process that is merely slow cannot write the post at its late place afterwards.
        await self._timelines.close(Place(post.owner, late))
        current, _ = await self._lives.move(post, lambda now: moved if now and now.revision == life.revision else None)
        return current or life

    async def _write(self, post: PublicId, life: Life) -> None:
        steps, ending = await self._steps(post, life), end_steps(post, life.media_ids)
        if life.size <= MAX_BATCH_BYTES:
            await write_with_events(self._cassandra, [*steps, *ending], life.events)
            return
        # Write the post after everything it must not exist without, and before removing the sweeper's row: until the post is
        # visible, the sweeper finds it and completes it. Write the events first, so that none is lost, and again at the end, so
        # that one comes when the post can be read.
        (statement, values), *ways = steps
        await write_with_events(self._cassandra, ways, life.events)
        await self._cassandra.execute(statement, *values)
        again = [replace(record, event_id=new_id(self._cassandra.now_ms())) for record in life.events]
        await write_with_events(self._cassandra, ending, again)

    async def _steps(self, post: PublicId, life: Life) -> list[Step]:
        if life.place is None:
            return []
        if life.state is State.PUBLISHED:
            published = life.published(post, life.place)
            return [*publish_steps(published), *add_uses(published)]
        # Only the post itself tells which media it showed. Where it is gone already, what is left of the index does no harm.
        shown = await self._timelines.at(Place(post.owner, life.place))
        return [*remove_steps(post, life.place), *(remove_uses(shown) if shown and shown.id == post else [])]


def _with_place(life: Life | None, proposed: int) -> Life | None:
    if life is None or life.state is not State.WAITING:
        return None
    if life.place is not None and not is_late(life.place, id_millis(proposed)):
        return None
    return Life(State.WAITING, proposed, life.caption, life.media_ids)


def _published(life: Life | None, post: PublishedPost, records: Sequence[OutboxRecord]) -> Life | None:
    if life is None:
        return publication(post, (), records)
    if life.state is not State.WAITING or life.place != post.place:
        return None
    return publication(post, life.media_ids, records)


def _withdrawn(life: Life | None, records: Sequence[OutboxRecord]) -> Life | None:
    return deletion(life, None, records) if life and life.state is State.WAITING and life.place is None else None


def _deleted(life: Life | None, place: int, records: Sequence[OutboxRecord]) -> Life | None:
    return None if life and life.state is State.DELETED else deletion(life, place, records)
