"""GetPost and DeletePost through the public methods."""

import asyncio

import grpc
import pytest
from lensfeed.post.v1 import post_pb2

from meshkit.ids import PublicId, new_id
from tests.errors import reason_of
from tests.post_svc.clients import App, events_in, published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, REJECTED, MediaPeer, State
from tests.post_svc.post_stores import OpenStore

MALFORMED = ["", "x", "a" * 26, "A" * 26, "a" * 27, "../../etc/passwd", "ünïcödé", "1" * 26, "a" * 100_000]


async def _not_found(call: "asyncio.Future[object]") -> bool:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND")


async def _is_hidden(app: App, viewer_id: int, post_id: str) -> bool:
    return await _not_found(asyncio.ensure_future(app.get(viewer_id, post_id)))


async def _cannot_delete(app: App, caller_id: int, post_id: str) -> bool:
    return await _not_found(asyncio.ensure_future(app.delete(caller_id, post_id)))


async def test_published_post_is_for_everybody(app: App, peer: MediaPeer) -> None:
    """The author and others see the same published post."""
    author = some_user()
    post = await app.create(author, [peer.add(author)], "hello")
    assert await app.get(author, post.post_id) == post
    assert await app.get(some_user(), post.post_id) == post


async def test_published_post_keeps_its_media_as_they_were(app: App, peer: MediaPeer) -> None:
    """Reading a published post does not ask media_svc."""
    author = some_user()
    post = await app.create(author, [peer.add(author)])
    asked = peer.calls
    assert (await app.get(author, post.post_id)).media == post.media
    assert peer.calls == asked


@pytest.mark.parametrize("state", [PROCESSING, READY, REJECTED])
async def test_waiting_post_is_shown_to_its_author_as_its_media_are_now(
    app: App, peer: MediaPeer, state: State
) -> None:
    """The author sees a waiting post with its media as they are now, even rejected. Others do not see it."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id
    peer.move(medium, state)
    post = await app.get(author, post_id)
    assert post.state == post_pb2.POST_STATE_PENDING
    assert list(post.media) == [peer.medium(medium)]
    assert await _is_hidden(app, some_user(), post_id)


@pytest.mark.parametrize("post_id", MALFORMED)
async def test_malformed_id_is_the_id_of_no_post(app: App, post_id: str) -> None:
    """A malformed id is POST_NOT_FOUND, for GetPost and DeletePost."""
    user = some_user()
    assert await _is_hidden(app, user, post_id)
    assert await _cannot_delete(app, user, post_id)


async def test_absent_post_is_not_found(app: App) -> None:
    """A well-formed id without a post is POST_NOT_FOUND, for any author."""
    user = some_user()
    for owner in (user, some_user()):
        post_id = str(PublicId(new_id(), owner))
        assert await _is_hidden(app, user, post_id)
        assert await _cannot_delete(app, user, post_id)


async def test_deleted_post_is_gone_for_everybody(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """A deleted post is gone from reads and lists, and repeated deletions send one event."""
    author = some_user()
    kept, post = [await app.create(author, [peer.add(author)], caption) for caption in ("kept", "deleted")]
    for _ in range(3):
        await app.delete(author, post.post_id)
    assert await _is_hidden(app, author, post.post_id)
    assert await _is_hidden(app, some_user(), post.post_id)
    assert await app.walk(author, author) == [kept]
    _, deleted = await published_and_deleted(beside.outbox, author)
    assert deleted == [PublicId.parse(post.post_id).local]


async def test_many_deletions_at_once_are_one(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """Concurrent deletions all succeed and write one event."""
    author = some_user()
    post = await app.create(author, [peer.add(author)])
    await asyncio.gather(*(app.delete(author, post.post_id) for _ in range(20)))
    _, deleted = await published_and_deleted(beside.outbox, author)
    assert deleted == [PublicId.parse(post.post_id).local]


async def test_deletion_of_a_post_that_waited_tells_its_place(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """The event has the place where the post was published, which is not its id."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    peer.after_look.append(lambda: peer.move(medium, READY))
    post = await app.create(author, [medium])
    await app.delete(author, post.post_id)
    published, deleted = await published_and_deleted(beside.outbox, author)
    assert len(published) == 1
    assert deleted == published
    assert await app.walk(author, author) == []


async def test_waiting_post_is_withdrawn(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """Deleting a waiting post sends one event with its media. The author may repeat the call."""
    author = some_user()
    media = [peer.add(author, PROCESSING), peer.add(author, READY)]
    post = await app.create(author, media)
    for _ in range(2):
        await app.delete(author, post.post_id)
    assert await _is_hidden(app, author, post.post_id)
    assert await published_and_deleted(beside.outbox, author) == ([], [])
    withdrawn = [each.post_withdrawn for each in await events_in(beside.outbox) if each.HasField("post_withdrawn")]
    assert [list(each.media_ids) for each in withdrawn if each.author_id == author] == [media]


async def test_deletion_tells_what_the_post_showed(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """The event names the post's media, and FilterUsedMedia tells which of them other posts still use."""
    author = some_user()
    first, both, waiting = peer.add(author), peer.add(author), peer.add(author)
    kept = await app.create(author, [both])
    await app.create(author, [waiting, peer.add(author, PROCESSING)])
    post = await app.create(author, [first, both, waiting])
    asked = [first, both, waiting]
    assert await app.used(author, asked) == asked
    await app.delete(author, post.post_id)
    told = [each.post_deleted for each in await events_in(beside.outbox) if each.HasField("post_deleted")]
    assert [list(each.media_ids) for each in told if each.author_id == author] == [asked]
    assert await app.used(author, asked) == [both, waiting]
    await app.delete(author, kept.post_id)
    assert await app.used(author, asked) == [waiting]
    assert await app.used(some_user(), [first, both]) == []


@pytest.mark.parametrize("state", [READY, PROCESSING])
async def test_post_of_another_is_not_deleted(app: App, peer: MediaPeer, state: State) -> None:
    """Deleting another user's post is POST_NOT_FOUND, and the post stays."""
    author = some_user()
    post = await app.create(author, [peer.add(author, state)])
    assert await _cannot_delete(app, some_user(), post.post_id)
    assert await app.get(author, post.post_id) == post


async def test_deletion_by_another_after_the_author_is_not_found(app: App, peer: MediaPeer) -> None:
    """Only the author may repeat a deletion."""
    author = some_user()
    post = await app.create(author, [peer.add(author)])
    await app.delete(author, post.post_id)
    assert await _cannot_delete(app, some_user(), post.post_id)


async def test_place_of_a_post_that_waited_is_not_its_id(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """An id made of the place names no post, so that no post can be half deleted."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    peer.after_look.append(lambda: peer.move(medium, READY))
    post = await app.create(author, [medium])
    [place], _ = await published_and_deleted(beside.outbox, author)
    alias = str(PublicId(place, author))
    assert await _is_hidden(app, author, alias)
    assert await _cannot_delete(app, author, alias)
    assert await app.get(author, post.post_id) == post
