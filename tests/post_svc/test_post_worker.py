"""`work`: handling the media stream over the real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2
from lensfeed.post.v1 import post_pb2
from redis.asyncio import Redis

from meshkit.events import OutboxRecord, new_record
from meshkit.events.stream import PAYLOAD_FIELD
from meshkit.grpc.server import running
from meshkit.redis.client import open_redis
from post_svc.app import working_process
from post_svc.events import GROUP, MEDIA_STREAM, STREAM
from post_svc.settings import WorkSettings
from tests.post_svc.clients import App, published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, REJECTED, MediaPeer
from tests.post_svc.post_stores import OpenStore

pytestmark = pytest.mark.slow

# Only a hang takes this long.
PATIENCE_SECONDS = 120


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    """Return a client of the worker's Redis."""
    async with open_redis(redis_url) as client:
        yield client


@pytest.fixture
async def worker(work_settings: WorkSettings) -> AsyncIterator[None]:
    """Run `work`."""
    async with working_process(work_settings) as process, running(process, work_settings):
        yield


def _ready(peer: MediaPeer, owner_id: int, media_id: str) -> OutboxRecord:
    """Make a medium ready and write its event as media_svc does."""
    peer.move(media_id, READY)
    return new_record(event_pb2.MediaReady(owner_id=owner_id, media=peer.medium(media_id)))


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - what we wait for happens in other processes' stores
            await asyncio.sleep(0.02)


async def _all_handled(redis: "Redis") -> None:
    """Wait until the worker's group has acknowledged everything in the stream."""
    group_only = type(MEDIA_STREAM)(MEDIA_STREAM.name, (GROUP,))

    async def is_handled() -> bool:
        handled = await group_only.handled_position(redis)
        return handled is not None and handled >= await group_only.last_position(redis)

    await _until(is_handled)


async def _is_published(app: App, author_id: int, post_id: str) -> bool:
    return (await app.get(author_id, post_id)).state == post_pb2.POST_STATE_PUBLISHED


@pytest.mark.usefixtures("worker")
async def test_ready_medium_publishes_the_post(app: App, peer: MediaPeer, beside: OpenStore, redis: "Redis") -> None:
    """The event of a ready medium publishes the waiting post, and the post's event goes into the stream."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium], "waited")).post_id
    await MEDIA_STREAM.add(redis, _ready(peer, author, medium))
    await _until(lambda: _is_published(app, author, post_id))
    [place], _ = await published_and_deleted(beside.outbox, author)

    async def is_sent() -> bool:
        entries: Any = await redis.xrange(STREAM.key)
        events = [event_pb2.Event.FromString(fields[PAYLOAD_FIELD]) for _, fields in entries]
        return [each.post_published.place for each in events if each.post_published.author_id == author] == [place]

    await _until(is_sent)


@pytest.mark.usefixtures("worker")
async def test_event_that_comes_again_publishes_nothing_more(
    app: App, peer: MediaPeer, beside: OpenStore, redis: "Redis"
) -> None:
    """A repeated event publishes the post only once."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id
    record = _ready(peer, author, medium)
    for _ in range(5):
        await redis.xadd(MEDIA_STREAM.key, {PAYLOAD_FIELD: record.payload})
    await _all_handled(redis)
    assert await _is_published(app, author, post_id)
    published, _ = await published_and_deleted(beside.outbox, author)
    assert len(published) == 1


@pytest.mark.usefixtures("worker")
async def test_event_of_a_deleted_post_publishes_nothing(
    app: App, peer: MediaPeer, beside: OpenStore, redis: "Redis"
) -> None:
    """A post that was deleted while it waited stays deleted."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id
    await app.delete(author, post_id)
    await MEDIA_STREAM.add(redis, _ready(peer, author, medium))
    await _all_handled(redis)
    assert await app.walk(author, author) == []
    assert await published_and_deleted(beside.outbox, author) == ([], [])


@pytest.mark.usefixtures("worker")
async def test_improved_medium_is_shown_by_all_its_posts(app: App, peer: MediaPeer, redis: "Redis") -> None:
    """An improved medium replaces the old one in every post that shows it, once, however often its event comes."""
    author = some_user()
    first, medium, last = [peer.add(author) for _ in range(3)]
    quoting = peer.add(author, alt_text=f"I am not {medium}")
    posts = [await app.create(author, media) for media in ([first, medium, last], [medium], [quoting])]
    record = new_record(event_pb2.MediaImproved(owner_id=author, media=peer.improve(medium)))
    for _ in range(3):
        await redis.xadd(MEDIA_STREAM.key, {PAYLOAD_FIELD: record.payload})
    await _all_handled(redis)
    for before, shown in zip(posts, ([first, medium, last], [medium], [quoting]), strict=True):
        after = await app.get(author, before.post_id)
        assert list(after.media) == [peer.medium(each) for each in shown]
        assert (after != before) == (medium in shown)
    assert await app.walk(author, author) == [await app.get(author, each.post_id) for each in reversed(posts)]


@pytest.mark.usefixtures("worker")
async def test_waiting_post_shows_what_is_improved(app: App, peer: MediaPeer, redis: "Redis") -> None:
    """A post that waits for one medium shows another's better renditions, before and after publication."""
    author = some_user()
    medium, late = peer.add(author), peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium, late])).post_id
    improved = new_record(event_pb2.MediaImproved(owner_id=author, media=peer.improve(medium)))
    await MEDIA_STREAM.add(redis, improved)
    await _all_handled(redis)
    assert (await app.get(author, post_id)).media[0] == peer.medium(medium)
    peer.move(late, READY)
    await MEDIA_STREAM.add(redis, new_record(event_pb2.MediaReady(owner_id=author, media=peer.medium(late))))
    await _until(lambda: _is_published(app, author, post_id))
    assert list((await app.get(author, post_id)).media) == [peer.medium(medium), peer.medium(late)]


@pytest.mark.usefixtures("worker")
async def test_rejected_medium_leaves_the_post_to_its_author(
    app: App, peer: MediaPeer, beside: OpenStore, redis: "Redis"
) -> None:
    """A post with a rejected medium stays PENDING, shows it as REJECTED and can be deleted."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id
    peer.move(medium, REJECTED)
    rejected = event_pb2.MediaRejected(owner_id=author, media=peer.medium(medium))
    await MEDIA_STREAM.add(redis, new_record(rejected))
    await _all_handled(redis)
    post = await app.get(author, post_id)
    assert (post.state, [each.state for each in post.media]) == (post_pb2.POST_STATE_PENDING, [REJECTED])
    await app.delete(author, post_id)
    assert await published_and_deleted(beside.outbox, author) == ([], [])


async def test_event_of_before_the_worker_is_not_missed(
    app: App, peer: MediaPeer, redis: "Redis", work_settings: WorkSettings
) -> None:
    """A worker that starts late begins with the oldest event. Two of them publish once together."""
    author = some_user()
    media_ids = [peer.add(author, PROCESSING) for _ in range(5)]
    for medium in media_ids:
        await app.create(author, [medium])
    for medium in media_ids:
        await MEDIA_STREAM.add(redis, _ready(peer, author, medium))
    second = work_settings.model_copy(update={"worker_index": 1})
    async with (
        working_process(work_settings) as one,
        working_process(second) as two,
        running(one, work_settings),
        running(two, second),
    ):
        await _all_handled(redis)
    assert len(await app.walk(author, author)) == 5


@pytest.mark.usefixtures("worker")
async def test_many_posts_are_each_published_once(app: App, peer: MediaPeer, beside: OpenStore, redis: "Redis") -> None:
    """Posts created while their media become ready are all published once."""
    author = some_user()

    async def post_one() -> None:
        medium = peer.add(author, PROCESSING)
        creating = asyncio.create_task(app.create(author, [medium]))
        await MEDIA_STREAM.add(redis, _ready(peer, author, medium))
        await creating

    await asyncio.gather(*(post_one() for _ in range(40)))
    await _all_handled(redis)
    posts = await app.walk(author, author)
    published, _ = await published_and_deleted(beside.outbox, author)
    assert len(posts) == 40
    assert len(set(published)) == len(published) == 40
