"""What only a store with many writers must do: finish what a dead process started, in any order."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lensfeed.events.v1 import event_pb2

from meshkit.cassandra import (
    Cassandra,
    CassandraOutbox,
    Statement,
    Step,
    UnknownOutcomeError,
    open_cassandra,
    read,
    write,
)
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.cassandra.statements import Kind
from meshkit.events import OutboxRecord, new_record
from meshkit.events.outbox import MINUTE_MS, before
from meshkit.idempotency import Claim
from meshkit.ids import MAX_ID, PublicId, id_millis, new_id
from post_svc.events import published_event
from post_svc.model import DeletedPost, Place, PublishedPost, WaitingPost
from post_svc.store.cassandra import MAX_BATCH_BYTES, MIGRATIONS, CassandraPostStore
from post_svc.store.cassandra_lives import Lives, deletion, publication
from post_svc.store.cassandra_timelines import publish_steps, remove_steps
from tests.post_svc.clients import events_in, published_and_deleted, some_user
from tests.post_svc.post_stores import OpenStore, manifest_with, store_settings, until_it_answers
from tests.post_svc.store.test_store_lives import STEPS, Life, take
from tests.store_kinds import STORE_KINDS

pytestmark = pytest.mark.skipif("cassandra" not in STORE_KINDS, reason="the tests run on other stores only")


_TIME_OF_POST = read("SELECT WRITETIME(post_id) FROM posts WHERE author_id = ? AND place = ? LIMIT 1")
_ONLY_IMPROVED = write("UPDATE posts SET improved['m'] = 0x00 WHERE author_id = ? AND place = ?")
_TIME_OF_WAY = read("SELECT WRITETIME(place) FROM post_places WHERE author_id = ? AND post_id = ? LIMIT 1")


class _LosesAnswers(Cassandra):
    """Sends everything but loses the answers to claims, so that their outcome is unknown."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._inner = cassandra

    async def execute(self, statement: Statement, *parameters: Any) -> list[tuple[Any, ...]]:
        rows = await self._inner.execute(statement, *parameters)
        if statement.kind is Kind.CLAIM:
            raise UnknownOutcomeError
        return rows

    def now_ms(self) -> int:
        return self._inner.now_ms()

    async def execute_batch(self, *steps: Step) -> None:
        await self._inner.execute_batch(*steps)


class _Recording(Cassandra):
    """Notes the texts of all writes, in order."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._inner = cassandra
        self.written: list[str] = []

    async def execute(self, statement: Statement, *parameters: Any) -> list[tuple[Any, ...]]:
        if statement.kind is Kind.WRITE:
            self.written.append(statement.cql)
        return await self._inner.execute(statement, *parameters)

    def now_ms(self) -> int:
        return self._inner.now_ms()

    async def execute_batch(self, *steps: Step) -> None:
        self.written += [statement.cql for statement, _ in steps]
        await self._inner.execute_batch(*steps)


@pytest.fixture
async def cluster(cassandra: str, tmp_path: Path) -> AsyncIterator[Cassandra]:
    """Open the keyspace."""
    settings = store_settings(cassandra, tmp_path)
    async with open_cassandra(settings, "post", MIGRATIONS, OUTBOX_MIGRATIONS) as cluster:
        await until_it_answers(cluster.check)
        yield cluster


@pytest.fixture
def opened(cluster: Cassandra) -> OpenStore:
    """Return the store."""
    return OpenStore(CassandraPostStore(cluster, published_event), CassandraOutbox(cluster))


@pytest.fixture
def deaf(cluster: Cassandra) -> OpenStore:
    """Return the store over a connection that loses the answers to all claims."""
    return OpenStore(CassandraPostStore(_LosesAnswers(cluster)), CassandraOutbox(cluster))


def _post(place: int | None = None) -> PublishedPost:
    post = PublicId(new_id(), some_user())
    return PublishedPost(post, place or post.local, "Füße 🐾", manifest_with("m"))


def _published(post: PublishedPost) -> OutboxRecord:
    return new_record(event_pb2.PostPublished(author_id=post.id.owner, place=post.place))


def _deleted(post: PublishedPost) -> OutboxRecord:
    return new_record(event_pb2.PostDeleted(author_id=post.id.owner, place=post.place))


@pytest.mark.parametrize("waited", [False, True])
async def test_decided_publication_is_finished_by_whoever_looks(
    cluster: Cassandra, opened: OpenStore, waited: bool
) -> None:
    """If a publisher dies after its decision, the next reader writes the post and the event."""
    post = _post(new_id() if waited else None)
    await Lives(cluster).begin(post.id, publication(post, (), [_published(post)]))
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == []
    assert await opened.posts.find(post.id) == post
    assert not await opened.posts.publish(post, [_published(post)])
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == [post]
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([post.place], [])


async def test_decided_deletion_is_finished_by_the_next_one(cluster: Cassandra, opened: OpenStore) -> None:
    """If a deletion dies after its decision, the author's next try finishes it with one event."""
    post = _post()
    await opened.posts.publish(post, [])
    _, has_moved = await Lives(cluster).move(post.id, lambda life: deletion(life, post.place, [_deleted(post)]))
    assert has_moved
    for _ in range(2):
        assert not await opened.posts.delete(post.id, post.place, 1, [_deleted(post)])
        assert await opened.posts.find(post.id) == DeletedPost(post.id)
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([], [post.place])


async def test_event_of_a_large_post_comes_when_the_post_can_be_read(cluster: Cassandra, opened: OpenStore) -> None:
    """A post that is too large for one batch is announced again after it was written."""
    recording = _Recording(cluster)
    post = replace(_post(), manifest=manifest_with("m" * (MAX_BATCH_BYTES + 1)))
    assert await CassandraPostStore(recording).publish(post, [_published(post)])
    written = [cql for cql in recording.written if "outbox" in cql or cql.startswith("INSERT INTO posts ")]
    assert "outbox" in written[0], "no crash loses the event"
    assert "outbox" in written[-1]
    assert any(cql.startswith("INSERT INTO posts ") for cql in written)
    places, _ = await published_and_deleted(opened.outbox, post.id.owner)
    assert set(places) == {post.place}


async def test_event_that_is_written_late_goes_where_the_sweeper_looks(cluster: Cassandra, opened: OpenStore) -> None:
    """An event finished after its minute was closed is written to the current minute."""
    post = _post()
    an_hour_ago = new_id(time.time_ns() // 1_000_000 - 60 * MINUTE_MS)
    late = OutboxRecord(an_hour_ago, _published(post).payload)
    await Lives(cluster).begin(post.id, publication(post, (), [late]))
    assert await opened.posts.find(post.id) == post
    told = [each for each in await events_in(opened.outbox) if each.post_published.author_id == post.id.owner]
    assert [each.post_published.place for each in told] == [post.place]
    assert await opened.outbox.read_outbox(late.minute, late.shard, before(late.event_id), 1) == []


@pytest.mark.parametrize("waited", [False, True])
async def test_writes_that_pass_each_other_come_out_the_same(
    cluster: Cassandra, opened: OpenStore, waited: bool
) -> None:
    """A publication that arrives after the deletion, at any place, brings nothing back."""
    post = _post(new_id() if waited else None)
    await cluster.execute_batch(*remove_steps(post.id, post.place))
    await cluster.execute_batch(*publish_steps(post))
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == []
    assert await opened.posts.find(post.id) is None


async def test_publication_is_written_with_the_time_of_its_place(cluster: Cassandra, opened: OpenStore) -> None:
    """Every cell of a post and its index has the milliseconds of its place as write time."""
    post = _post(new_id(1_800_000_000_123))
    await opened.posts.publish(post, [])
    written = await cluster.execute(_TIME_OF_POST, post.id.owner, post.place)
    led = await cluster.execute(_TIME_OF_WAY, post.id.owner, post.id.local)
    assert written == led == [(id_millis(post.place) * 1000,)] == [(1_800_000_000_123_000,)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=3, max_size=8))
async def test_lost_answers_change_nothing(deaf: OpenStore, steps: list[Any]) -> None:
    """A call whose claim was never confirmed reads the outcome and continues."""
    life = Life(PublicId(new_id(), some_user()))
    for step in steps:
        await take(step, deaf, life)
        assert await deaf.posts.find(life.id) == life.expected()
    assert await published_and_deleted(deaf.outbox, life.id.owner) == life.events


async def test_key_whose_claim_was_not_confirmed_is_bound(deaf: OpenStore, opened: OpenStore) -> None:
    """After a claim with an unknown outcome its caller has the key, and later callers do not."""
    author, now = some_user(), time.time_ns() // 1_000_000
    first, second = (Claim(new_id(), b"f" * 32, now) for _ in range(2))
    assert await deaf.posts.claim_key(author, "k", first) == first
    assert await deaf.posts.claim_key(author, "k", second) == first
    assert await opened.posts.claim_key(author, "k", second) == first


async def test_waiting_post_of_a_lost_call_can_be_found(deaf: OpenStore) -> None:
    """Every waiting post can be found by its media and its minute, because those rows are written first."""
    post = WaitingPost(PublicId(new_id(), some_user()), "c", (str(_post().id),))
    await deaf.posts.add_waiting(post)
    assert await deaf.posts.waiting_for(post.media_ids[0]) == [post.id]


async def test_a_post_of_which_a_replica_has_only_a_part_is_absent(cluster: Cassandra, opened: OpenStore) -> None:
    """A row with improved media and nothing else is no post, and breaks no read."""
    post = _post()
    hole = new_id()
    await opened.posts.publish(post, [_published(post)])
    await cluster.execute(_ONLY_IMPROVED, post.id.owner, hole)
    places = [Place(post.id.owner, place) for place in (hole, post.place)]
    assert await opened.posts.posts_at(places) == {places[1]: post}
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == [post]
    assert await opened.posts.find(PublicId(hole, post.id.owner)) is None


@pytest.mark.parametrize("waited", [False, True])
async def test_a_late_publication_appears_at_a_fresh_place(cluster: Cassandra, opened: OpenStore, waited: bool) -> None:
    """A publication that nobody has seen is finished at a new place, even if its first publisher writes its rows afterwards."""
    a_minute_ago, now = [time.time_ns() // 1_000_000 - age for age in (60_000, 0)]
    post = PublishedPost(
        PublicId(new_id(a_minute_ago), some_user()), new_id(a_minute_ago), "late", manifest_with("m-late")
    )
    post = post if waited else replace(post, place=post.id.local)
    await Lives(cluster).begin(post.id, publication(post, (), [_published(post)]))
    found = await opened.posts.find(post.id)
    assert isinstance(found, PublishedPost)
    assert id_millis(found.place) >= now
    await cluster.execute_batch(*publish_steps(post))
    assert await opened.posts.find(post.id) == found == replace(post, place=found.place)
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == [found]
    assert await published_and_deleted(opened.outbox, post.id.owner) == ([found.place], [])
    assert await opened.posts.delete(post.id, found.place, now, [])
    assert await opened.posts.find(post.id) == DeletedPost(post.id)
    assert await opened.posts.list_posts(post.id.owner, MAX_ID, 10) == []
