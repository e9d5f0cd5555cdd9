"""CreatePost with an idempotency key."""

import asyncio

import grpc
import pytest
from lensfeed.post.v1 import post_pb2

from meshkit.ids import PublicId, id_millis
from tests.errors import reason_of, violations_of
from tests.post_svc.clients import App, published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, REJECTED, MediaPeer, State
from tests.post_svc.post_stores import OpenStore

pytestmark = pytest.mark.slow


async def test_retry_returns_the_same_post(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """Repeating a call returns the same post and sends no second event."""
    author = some_user()
    media_ids = [peer.add(author), peer.add(author)]
    first = await app.create(author, media_ids, "once", key="k")
    assert await app.create(author, media_ids, "once", key="k") == first
    assert await published_and_deleted(beside.outbox, author) == ([PublicId.parse(first.post_id).local], [])
    assert await app.walk(author, author) == [first]


@pytest.mark.parametrize("state", [READY, PROCESSING])
async def test_one_key_at_once_is_one_post(app: App, peer: MediaPeer, beside: OpenStore, state: State) -> None:
    """Concurrent calls with one key create one post and one event, even while its media become ready."""
    author = some_user()
    medium = peer.add(author, state)
    if state == PROCESSING:
        peer.after_look += [lambda: None] * 3 + [lambda: peer.move(medium, READY)]
    posts = await asyncio.gather(*(app.create(author, [medium], "one", key="k") for _ in range(25)))
    assert len({post.post_id for post in posts}) == 1
    final = await app.get(author, posts[0].post_id)
    assert final.state == post_pb2.POST_STATE_PUBLISHED
    published, deleted = await published_and_deleted(beside.outbox, author)
    assert [id_millis(place) for place in published] == [final.published_at.ToMilliseconds()]
    assert deleted == []
    assert await app.walk(author, author) == [final]


@pytest.mark.parametrize("change", ["caption", "media", "order", "fewer"])
async def test_other_draft_under_one_key_is_refused(app: App, peer: MediaPeer, change: str) -> None:
    """A key is bound to its first draft: another caption, other media or another order are refused."""
    author = some_user()
    one, two = peer.add(author), peer.add(author)
    await app.create(author, [one, two], "caption", key="k")
    others = {
        "caption": ([one, two], "Caption"),
        "media": ([one, peer.add(author)], "caption"),
        "order": ([two, one], "caption"),
        "fewer": ([one], "caption"),
    }
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, *others[change], key="k")
    assert (refused.value.code(), reason_of(refused.value)) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "IDEMPOTENCY_MISMATCH",
    )
    assert len(await app.walk(author, author)) == 1


async def test_key_of_another_user_is_another_key(app: App, peer: MediaPeer) -> None:
    """Two users may use the same key for different drafts."""
    ann, bob = some_user(), some_user()
    first = await app.create(ann, [peer.add(ann)], "Ann's", key="k")
    second = await app.create(bob, [peer.add(bob)], "Bob's", key="k")
    assert first.post_id != second.post_id


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_key_of_the_wrong_length_is_refused(app: App, peer: MediaPeer, key: str) -> None:
    """A key has 1 to 255 characters."""
    author = some_user()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [peer.add(author)], key=key)
    assert (refused.value.code(), reason_of(refused.value)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "IDEMPOTENCY_KEY_INVALID",
    )
    assert violations_of(refused.value) == [("idempotency-key", "IDEMPOTENCY_KEY_INVALID")]
    assert await app.walk(author, author) == []


async def test_longest_key_works(app: App, peer: MediaPeer) -> None:
    """255 printable characters, including spaces, are a valid key."""
    author = some_user()
    medium, key = peer.add(author), "a ~" * 85
    assert await app.create(author, [medium], key=key) == await app.create(author, [medium], key=key)


async def test_call_that_failed_can_be_made_again(app: App, peer: MediaPeer) -> None:
    """A call that failed for a missing medium succeeds under the same key once the medium exists."""
    author = some_user()
    medium = peer.add(author)
    missing = peer.take(medium)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [medium], "late", key="k")
    assert reason_of(refused.value) == "MEDIA_NOT_FOUND"
    peer.give(medium, missing)
    post = await app.create(author, [medium], "late", key="k")
    assert post.state == post_pb2.POST_STATE_PUBLISHED
    assert await app.create(author, [medium], "late", key="k") == post
    assert await app.walk(author, author) == [post]


async def test_call_that_succeeds_late_stands_where_it_appears(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """A retry is published at its own time, so that it never appears below what people have already seen."""
    author = some_user()
    medium = peer.add(author)
    missing = peer.take(medium)
    with pytest.raises(grpc.aio.AioRpcError):
        await app.create(author, [medium], "late", key="k")
    between = await app.create(author, [peer.add(author)], "between")
    peer.give(medium, missing)
    late = await app.create(author, [medium], "late", key="k")
    assert await app.walk(author, author) == [late, between]
    published, _ = await published_and_deleted(beside.outbox, author)
    assert len(published) == 2


async def test_retry_publishes_what_waited_unnoticed(app: App, peer: MediaPeer) -> None:
    """A retry checks the media again, so that a waiting post does not depend on events alone."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    waiting = await app.create(author, [medium], key="k")
    assert waiting.state == post_pb2.POST_STATE_PENDING
    peer.move(medium, READY)
    post = await app.create(author, [medium], key="k")
    assert (post.post_id, post.state) == (waiting.post_id, post_pb2.POST_STATE_PUBLISHED)


async def test_retry_of_a_waiting_post_shows_its_rejected_medium(app: App, peer: MediaPeer) -> None:
    """A post that exists stays the key's post, whatever happens to its media."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    waiting = await app.create(author, [medium], key="k")
    peer.move(medium, REJECTED)
    post = await app.create(author, [medium], key="k")
    assert (post.post_id, post.state) == (waiting.post_id, post_pb2.POST_STATE_PENDING)
    assert [each.state for each in post.media] == [REJECTED]


@pytest.mark.parametrize("state", [READY, PROCESSING])
async def test_retry_after_deletion_brings_nothing_back(
    app: App, peer: MediaPeer, beside: OpenStore, state: State
) -> None:
    """A key stays bound to its deleted post: the retry is POST_NOT_FOUND and creates nothing."""
    author = some_user()
    medium = peer.add(author, state)
    post = await app.create(author, [medium], key="k")
    await app.delete(author, post.post_id)
    peer.move(medium, READY)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [medium], key="k")
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND")
    assert await app.walk(author, author) == []
    published, deleted = await published_and_deleted(beside.outbox, author)
    assert published == deleted


async def test_post_deleted_while_a_retry_looks_at_its_media_stays_deleted(app: App, peer: MediaPeer) -> None:
    """A retry that saw the post waiting and its media ready publishes nothing after a deletion."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post = await app.create(author, [medium], key="k")
    peer.move(medium, READY)
    looked = asyncio.Event()
    peer.after_look.append(looked.set)
    peer.open.clear()
    retry = asyncio.create_task(app.create(author, [medium], key="k"))
    await looked.wait()
    await app.delete(author, post.post_id)
    peer.open.set()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await retry
    assert reason_of(refused.value) == "POST_NOT_FOUND"
    assert await app.walk(author, author) == []
