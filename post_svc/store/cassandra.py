"""PostStore in Cassandra.

A write that others may race is decided first, by moving on the post's life; then all that follows from it is written in one
logged batch that can be repeated. Whoever meets a decision whose batch is not to be seen writes it again: a process may have
died in between. Write times let those batches arrive in any order.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from meshkit.cassandra import Cassandra, Step, outbox_steps
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId, id_millis, new_id
from post_svc.model import Claim, DeletedPost, Medium, Place, PublishedPost, WaitingPost
from post_svc.store.cassandra_keys import Keys
from post_svc.store.cassandra_lives import Life, Lives, State, deletion, publication
from post_svc.store.cassandra_timelines import Timelines, publish_steps, remove_steps
from post_svc.store.cassandra_waiting import Waiting, begin_steps, end_steps

MIGRATIONS = Path(__file__).parent / "migrations"
# The outbox's sweeper closes a minute once it is over for a minute: an event that is written later takes a new id.
LATE_EVENT_MS = 30_000
# Cassandra refuses batches of more than 50 KiB, as it is delivered. The fullest posts have 60 KiB of text and media.
MAX_BATCH_BYTES = 32 * 1024


class CassandraPostStore:
    """Posts in one keyspace."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra
        self._keys = Keys(cassandra)
        self._lives = Lives(cassandra)
        self._timelines = Timelines(cassandra)
        self._waiting = Waiting(cassandra)

    async def claim_key(self, author_id: int, key: str, claim: Claim) -> Claim:
        """Bind a key, or return what it is bound to."""
        return await self._keys.claim(author_id, key, claim)

    async def find(self, post: PublicId) -> WaitingPost | PublishedPost | DeletedPost | None:
        """Look for the published post first, as most are; its life tells of the rest, and of what is being published."""
        published = await self._timelines.find(post)
        if published is not None:
            return published
        match life := await self._lives.read(post):
            case Life(State.WAITING):
                return life.waiting(post)
            case Life(State.PUBLISHED, int(place)):
                await self._complete(post, life)
                return life.published(post, place)
            case Life(State.DELETED):
                return DeletedPost(post)
            case _:
                return None

    async def add_waiting(self, post: WaitingPost) -> bool:
        """Note who waits, then let it wait: what waits can always be found."""
        if await self.find(post.id) is not None:
            return False
        await self._cassandra.execute_batch(*begin_steps(post.id, post.media_ids))
        waiting = Life(State.WAITING, post.place, post.caption, post.media_ids)
        life, has_moved = await self._lives.move(post.id, lambda life: waiting if life is None else None)
        if life is not None and life.state is not State.WAITING:  # it was published or deleted meanwhile
            await self._cassandra.execute_batch(*end_steps(post.id, post.media_ids))
        return has_moved

    async def claim_place(self, post: PublicId, proposed: int) -> int | None:
        """Compare and set."""
        life, _ = await self._lives.move(post, lambda life: _with_place(life, proposed))
        return life.place if life is not None and life.state is State.WAITING else None

    async def publish(self, post: PublishedPost, records: Sequence[OutboxRecord]) -> bool:
        """Decide, then write."""
        at_once = publication(post, (), records)
        if post.place == post.id.local and await self._lives.begin(post.id, at_once):
            await self._write(post.id, at_once)
            return True
        life, has_moved = await self._lives.move(post.id, lambda life: _published(life, post, records))
        return await self._follow(post.id, life, has_moved=has_moved)

    async def withdraw(
        self,
        post: PublicId,
        deleted_at: int,  # noqa: ARG002 - the TTL counts from the write
        records: Sequence[OutboxRecord] = (),
    ) -> bool:
        """Delete a post that waits."""
        life, has_moved = await self._lives.move(post, lambda life: _withdrawn(life, records))
        return has_moved and await self._follow(post, life, has_moved=has_moved)

    async def delete(
        self,
        post: PublicId,
        place: int,
        deleted_at: int,  # noqa: ARG002 - the TTL counts from the write
        records: Sequence[OutboxRecord],
    ) -> bool:
        """Decide, then write."""
        life, has_moved = await self._lives.move(post, lambda life: _deleted(life, place, records))
        return await self._follow(post, life, has_moved=has_moved)

    async def improve_medium(self, place: Place, medium: Medium) -> None:
        """Write it beside the manifest."""
        await self._timelines.improve(place, medium)

    async def list_posts(self, author_id: int, before_place: int, limit: int) -> Sequence[PublishedPost]:
        """Read a page of an author's timeline."""
        return await self._timelines.page(author_id, before_place, limit)

    async def posts_at(self, places: Sequence[Place]) -> Mapping[Place, PublishedPost]:
        """Read posts by their keys, many at once."""
        return await self._timelines.posts_at(places)

    async def places_of(self, author_ids: Sequence[int], before_place: int, limit: int) -> Mapping[int, Sequence[int]]:
        """Read the newest places of some authors, many at once."""
        return await self._timelines.places_of(author_ids, before_place, limit)

    async def waiting_for(self, media_id: str) -> Sequence[PublicId]:
        """Read who waits for a medium."""
        return await self._waiting.for_medium(media_id)

    def waiting_since(self, minute: int) -> AsyncIterator[PublicId]:
        """Read page by page who has waited since a minute."""
        return self._waiting.since(minute)

    async def _follow(self, post: PublicId, life: Life | None, *, has_moved: bool) -> bool:
        """Write what this call decided, or make sure that what another decided is written. Returns whether it was this one."""
        if life is not None and has_moved:
            await self._write(post, life)
        elif life is not None:
            await self._complete(post, life)
        return has_moved

    async def _complete(self, post: PublicId, life: Life) -> None:
        """Write what a life has come to, unless that can be seen already."""
        if life.place is None or life.state is State.WAITING:
            return
        is_there = await self._timelines.holds(Place(post.owner, life.place))
        if is_there != (life.state is State.PUBLISHED):
            await self._write(post, life)

    async def _write(self, post: PublicId, life: Life) -> None:
        steps, ending = _steps(post, life), end_steps(post, life.media_ids)
        events = outbox_steps([_in_time(record) for record in life.events])
        if life.size <= MAX_BATCH_BYTES:
            await self._cassandra.execute_batch(*steps, *ending, *events)
            return
        # The post after all that must not be missing beside it, and before the sweeper's way to it: until it is to be seen,
        # somebody comes by and completes it.
        (statement, values), *ways = steps
        await self._cassandra.execute_batch(*ways, *events)
        await self._cassandra.execute(statement, *values)
        if ending:
            await self._cassandra.execute_batch(*ending)


def _with_place(life: Life | None, proposed: int) -> Life | None:
    if life is None or life.state is not State.WAITING or life.place is not None:
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


def _steps(post: PublicId, life: Life) -> list[Step]:
    if life.place is None:
        return []
    if life.state is State.PUBLISHED:
        return publish_steps(life.published(post, life.place))
    return remove_steps(post, life.place)


def _in_time(record: OutboxRecord) -> OutboxRecord:
    """Return an event as it is still seen by the sweeper. One that may be there under another id, too, comes twice."""
    age = time.time_ns() // 1_000_000 - id_millis(record.event_id)
    return record if age < LATE_EVENT_MS else replace(record, event_id=new_id())
