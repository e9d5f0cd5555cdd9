"""Posts of one author with the same id, made in one millisecond with the same random bits."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import chain, repeat

import pytest
from lensfeed.media.v1 import media_pb2

from meshkit.events import open_producer
from meshkit.grpc.channels import connect
from meshkit.ids import id_millis, new_id
from post_svc.create_post import CreatePost
from post_svc.events import STREAM, PostEvents
from post_svc.get_post import FindPost
from post_svc.model import Draft
from post_svc.peers import MEDIA_SERVICE, MediaService
from post_svc.publish_waiting import PublishWaiting
from post_svc.settings import ServeSettings
from tests.post_svc.clients import published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, MediaPeer
from tests.post_svc.post_stores import OpenStore


@pytest.fixture
async def create(settings: ServeSettings, opened: OpenStore) -> AsyncIterator[CreatePost]:
    """Return a CreatePost whose first two ids are the same."""
    taken = new_id()
    ids = chain(repeat(taken, 2), iter(new_id, None))
    async with (
        open_producer(settings.redis_url, STREAM, opened.outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE) as channel,
    ):
        posts, media, events = opened.posts, MediaService(channel), PostEvents(producer)
        waiting = PublishWaiting(posts, media, events)
        yield CreatePost(posts, media, events, waiting, FindPost(posts, media), lambda: next(ids))


async def test_posts_with_one_id_are_both_published(create: CreatePost, peer: MediaPeer, opened: OpenStore) -> None:
    """Each of two calls gets its own post and event."""
    author = some_user()
    drafts = [Draft(caption, (peer.add(author),)) for caption in ("one", "other")]
    views = await asyncio.gather(*(create(author, draft, None) for draft in drafts))
    assert [view.caption for view in views] == ["one", "other"]
    found = await opened.posts.list_posts(author, new_id() + 2**40, 10)
    assert sorted(post.caption for post in found) == ["one", "other"]
    places, _ = await published_and_deleted(opened.outbox, author)
    assert sorted(places) == sorted(post.place for post in found)


@pytest.mark.parametrize("second", [READY, PROCESSING])
async def test_post_does_not_take_the_id_of_one_that_waits(
    create: CreatePost, peer: MediaPeer, second: "media_pb2.MediaState.ValueType"
) -> None:
    """A waiting post keeps its id, whether the next post is published at once or waits as well."""
    author = some_user()
    states = dict(zip(("one", "other"), (PROCESSING, second), strict=True))
    views = [
        await create(author, Draft(caption, (peer.add(author, state),)), None) for caption, state in states.items()
    ]
    assert [view.caption for view in views] == ["one", "other"]
    assert views[0].id != views[1].id


async def test_a_call_that_took_long_is_published_at_a_fresh_place(
    settings: ServeSettings, peer: MediaPeer, opened: OpenStore
) -> None:
    """A first call that waited for seconds after it made its id appears above what was posted meanwhile."""
    author = some_user()
    a_minute_ago = new_id(time.time_ns() // 1_000_000 - 60_000)
    async with (
        open_producer(settings.redis_url, STREAM, opened.outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE) as channel,
    ):
        posts, media, events = opened.posts, MediaService(channel), PostEvents(producer)
        create = CreatePost(
            posts, media, events, PublishWaiting(posts, media, events), FindPost(posts, media), lambda: a_minute_ago
        )
        view = await create(author, Draft("", (peer.add(author),)), "key")
    [post] = await opened.posts.list_posts(author, new_id() + 2**40, 10)
    assert post.id == view.id
    assert id_millis(post.place) > id_millis(a_minute_ago) + 50_000
    assert await published_and_deleted(opened.outbox, author) == ([post.place], [])
