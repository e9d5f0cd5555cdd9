"""CreatePost through the public method."""

import asyncio

import grpc
import pytest
from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2, post_service_pb2

from meshkit.grpc.server import running
from meshkit.ids import PublicId, id_millis
from post_svc.app import serving_process
from post_svc.settings import ServeSettings
from tests.errors import reason_of, violations_of
from tests.post_svc.clients import App, published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, REJECTED, MediaPeer
from tests.post_svc.post_stores import OpenStore, until_it_answers

INVALID = grpc.StatusCode.INVALID_ARGUMENT
CAPTIONS = [
    "",
    "Grüße aus Zürich",
    "猫が好き 🐈‍⬛",
    "\u05e9\u05dc\u05d5\u05dd\nworld",
    "a\u0301\u200d\U0001f1e8\U0001f1ed",
    "\x01\t\x7f",
]


async def test_post_of_ready_media_is_published_at_once(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """A post with ready media is PUBLISHED at its own id, with its media in the author's order and one event."""
    author = some_user()
    media_ids = [peer.add(author) for _ in range(3)][::-1]
    post = await app.create(author, media_ids, "three")
    post_id = PublicId.parse(post.post_id)
    assert post.state == post_pb2.POST_STATE_PUBLISHED
    assert list(post.media) == [peer.medium(media_id) for media_id in media_ids]
    assert (post.author_id, post_id.owner) == (author, author)
    assert post.published_at.ToMilliseconds() == id_millis(post_id.local)
    assert await published_and_deleted(beside.outbox, author) == ([post_id.local], [])


async def test_post_of_unfinished_media_waits(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """A post with unfinished media is PENDING, without a publication time or an event."""
    author = some_user()
    media_ids = [peer.add(author), peer.add(author, PROCESSING)]
    post = await app.create(author, media_ids)
    assert post.state == post_pb2.POST_STATE_PENDING
    assert not post.HasField("published_at")
    assert [medium.state for medium in post.media] == [READY, PROCESSING]
    assert await published_and_deleted(beside.outbox, author) == ([], [])


async def test_medium_that_is_ready_just_in_time_is_not_missed(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """If a medium's event comes before the post is stored, the second check publishes the post."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    peer.after_look.append(lambda: peer.move(medium, READY))
    post = await app.create(author, [medium])
    assert post.state == post_pb2.POST_STATE_PUBLISHED
    assert [each.state for each in post.media] == [READY]
    places, _ = await published_and_deleted(beside.outbox, author)
    assert [id_millis(place) for place in places] == [post.published_at.ToMilliseconds()]
    assert places != [PublicId.parse(post.post_id).local]


@pytest.mark.parametrize("caption", CAPTIONS)
async def test_caption_is_kept_as_it_is(app: App, peer: MediaPeer, caption: str) -> None:
    """Every code point but NUL is returned unchanged, for published and waiting posts."""
    author = some_user()
    for state in (READY, PROCESSING):
        post = await app.create(author, [peer.add(author, state)], caption)
        assert post.caption == caption
        assert (await app.get(author, post.post_id)).caption == caption


@pytest.mark.parametrize("character", ["a", "é", "😀"])
async def test_caption_may_have_2200_code_points(app: App, peer: MediaPeer, character: str) -> None:
    """A caption may have 2,200 code points, not bytes or UTF-16 units; one more is refused."""
    author = some_user()
    medium = peer.add(author)
    assert len((await app.create(author, [medium], character * 2200)).caption) == 2200
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [medium], character * 2201)
    assert (refused.value.code(), reason_of(refused.value)) == (INVALID, "CAPTION_TOO_LONG")
    assert violations_of(refused.value) == [("caption", "CAPTION_TOO_LONG")]


async def test_ten_media_are_a_post(app: App, peer: MediaPeer) -> None:
    """A post may have ten media."""
    author = some_user()
    assert len((await app.create(author, [peer.add(author) for _ in range(10)])).media) == 10


@pytest.mark.parametrize(
    ("caption", "count", "field", "reason"),
    [
        ("a\0b", 1, "caption", "CAPTION_INVALID"),
        ("", 0, "media_ids", "MEDIA_COUNT"),
        ("", 11, "media_ids", "MEDIA_COUNT"),
    ],
)
async def test_draft_that_breaks_the_contract_is_refused(
    app: App, peer: MediaPeer, caption: str, count: int, field: str, reason: str
) -> None:
    """A NUL in the caption, no media or eleven media are refused with the field's name."""
    author = some_user()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [peer.add(author) for _ in range(count)], caption)
    assert (refused.value.code(), reason_of(refused.value)) == (INVALID, reason)
    assert violations_of(refused.value) == [(field, reason)]


async def test_medium_twice_is_refused(app: App, peer: MediaPeer) -> None:
    """A medium may appear in a post only once."""
    author = some_user()
    medium = peer.add(author)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [medium, peer.add(author), medium])
    assert (refused.value.code(), reason_of(refused.value)) == (INVALID, "MEDIA_DUPLICATE")
    assert violations_of(refused.value) == [("media_ids", "MEDIA_DUPLICATE")]


@pytest.mark.parametrize("whose", ["nobody", "another", "malformed", "empty"])
async def test_medium_of_somebody_else_is_not_found(app: App, peer: MediaPeer, whose: str) -> None:
    """An absent medium, another user's and a malformed id look the same, and no post is created."""
    author = some_user()
    foreign = {
        "nobody": str(PublicId(some_user(), author)),
        "another": peer.add(some_user()),
        "malformed": "Ünsinn",
        "empty": "",
    }
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [peer.add(author), foreign[whose]])
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.NOT_FOUND, "MEDIA_NOT_FOUND")
    assert violations_of(refused.value) == [("media_ids", "MEDIA_NOT_FOUND")]
    assert await app.walk(author, author) == []


async def test_rejected_medium_is_refused(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """A post with a rejected medium is refused, even as a waiting one."""
    author = some_user()
    rejected = peer.add(author, REJECTED)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.create(author, [peer.add(author, PROCESSING), rejected])
    assert (refused.value.code(), reason_of(refused.value)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "MEDIA_REJECTED",
    )
    assert violations_of(refused.value) == [("media_ids", "MEDIA_REJECTED")]
    assert await beside.posts.waiting_for(rejected) == []


async def test_caller_must_be_known(app: App, peer: MediaPeer) -> None:
    """CreatePost without an identity from the edge is refused."""
    request = post_service_pb2.CreatePostRequest(media_ids=[peer.add(some_user())])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.stub.CreatePost(request)
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_posts_are_made_while_redis_is_down(settings: ServeSettings, peer: MediaPeer, beside: OpenStore) -> None:
    """Without Redis a post is published as usual, and its event waits in the outbox."""
    without = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    author = some_user()
    async with (
        serving_process(without) as process,
        running(process, without) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await until_it_answers(process.dependencies["store"])
        post = await App(channel).create(author, [peer.add(author)])
        await App(channel).delete(author, post.post_id)
    place = PublicId.parse(post.post_id).local
    assert await published_and_deleted(beside.outbox, author) == ([place], [place])


async def test_media_service_that_is_down_is_unavailable(settings: ServeSettings) -> None:
    """Without media_svc the call is UNAVAILABLE with a retry delay, and nothing is stored."""
    without = settings.model_copy(update={"media_addr": "127.0.0.1:1"})
    author = some_user()
    async with (
        serving_process(without) as process,
        running(process, without) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await until_it_answers(process.dependencies["store"])
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await App(channel).create(author, [str(PublicId(some_user(), author))], key="k")
        assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        assert await App(channel).walk(author, author) == []


async def test_many_posts_at_once_are_as_many_posts(app: App, peer: MediaPeer) -> None:
    """Calls without a key each create a post, even from the same draft."""
    author = some_user()
    medium = peer.add(author)
    posts = await asyncio.gather(*(app.create(author, [medium], "again") for _ in range(20)))
    assert len({post.post_id for post in posts}) == 20
    assert [medium.state for post in posts for medium in post.media] == [media_pb2.MEDIA_STATE_READY] * 20
