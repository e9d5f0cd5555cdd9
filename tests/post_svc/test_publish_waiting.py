"""Publishing waiting posts while others publish, retry and delete."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lensfeed.post.v1 import post_pb2

from meshkit.ids import PublicId, id_millis
from post_svc.publish_waiting import PublishReady, PublishWaiting
from tests.errors import reason_of
from tests.post_svc.clients import App, published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, MediaPeer
from tests.post_svc.post_stores import OpenStore


@pytest.fixture
def publish_ready(beside: OpenStore, publish_waiting: PublishWaiting) -> PublishReady:
    """Return what a worker does for a medium that became ready."""
    return PublishReady(beside.posts, publish_waiting)


async def test_post_is_published_when_its_last_medium_is_ready(
    app: App, peer: MediaPeer, beside: OpenStore, publish_ready: PublishReady
) -> None:
    """The first of two ready media changes nothing. The second publishes the post with both as they are then."""
    author = some_user()
    one, two = peer.add(author, PROCESSING), peer.add(author, PROCESSING)
    post_id = (await app.create(author, [two, one], "both 🎞")).post_id
    peer.move(one, READY)
    await publish_ready(one)
    assert (await app.get(author, post_id)).state == post_pb2.POST_STATE_PENDING
    peer.move(two, READY)
    await publish_ready(two)
    post = await app.get(some_user(), post_id)
    assert (post.state, post.caption) == (post_pb2.POST_STATE_PUBLISHED, "both 🎞")
    assert list(post.media) == [peer.medium(two), peer.medium(one)]
    [place], _ = await published_and_deleted(beside.outbox, author)
    assert id_millis(place) == post.published_at.ToMilliseconds()
    assert place > PublicId.parse(post_id).local


async def test_medium_publishes_every_post_that_waits_for_it(
    app: App, peer: MediaPeer, publish_ready: PublishReady
) -> None:
    """Every post that waits only for this medium is published. Those that wait for another keep waiting."""
    author = some_user()
    shared, slow = peer.add(author, PROCESSING), peer.add(author, PROCESSING)
    ready = [(await app.create(author, [shared])).post_id for _ in range(3)]
    await app.create(author, [shared, slow])
    peer.move(shared, READY)
    await publish_ready(shared)
    assert {post.post_id for post in await app.walk(author, author)} == set(ready)


async def test_medium_that_nobody_waits_for_is_ignored(publish_ready: PublishReady) -> None:
    """Most media become ready before they are posted."""
    await publish_ready("aaaaaaaaaaaaaaaaaaaaaaaaaa")


async def test_deletion_during_the_look_at_the_media_wins(
    app: App, peer: MediaPeer, beside: OpenStore, publish_ready: PublishReady
) -> None:
    """A publisher that saw all media ready, but has not claimed a place, is too late after a deletion."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id
    peer.move(medium, READY)
    looked = asyncio.Event()
    peer.after_look.append(looked.set)
    peer.open.clear()
    publishing = asyncio.create_task(publish_ready(medium))
    await looked.wait()
    await app.delete(author, post_id)
    peer.open.set()
    await publishing
    assert await app.walk(author, author) == []
    assert await published_and_deleted(beside.outbox, author) == ([], [])


@dataclass(frozen=True, slots=True)
class _Race:
    """When each racer starts, in milliseconds after the first medium is ready."""

    media: int
    publishers: list[int]
    retries: list[int]
    deletions: list[int]


_delays = st.integers(0, 12)
_races = st.builds(
    _Race,
    media=st.integers(1, 3),
    publishers=st.lists(_delays, min_size=1, max_size=4),
    retries=st.lists(_delays, max_size=3),
    deletions=st.lists(_delays, max_size=2),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(race=_races)
async def test_whoever_races_a_post_is_published_at_most_once(
    app: App, peer: MediaPeer, beside: OpenStore, publish_ready: PublishReady, race: _Race
) -> None:
    """Racing publishers and retries make one event at one place. A deletion leaves nothing and names what was visible."""
    author = some_user()
    media_ids = [peer.add(author, PROCESSING) for _ in range(race.media)]
    post_id = (await app.create(author, media_ids, "race", key="k")).post_id
    await asyncio.gather(
        *(_become_ready(peer, publish_ready, medium, number) for number, medium in enumerate(media_ids)),
        *(_after(delay, publish_ready(media_ids[0])) for delay in race.publishers),
        *(_after(delay, _retry(app, author, media_ids)) for delay in race.retries),
        *(_after(delay, app.delete(author, post_id)) for delay in race.deletions),
    )
    published, deleted = await published_and_deleted(beside.outbox, author)
    listed = await app.walk(author, author)
    if race.deletions:
        assert listed == []
        assert published in ([], deleted)
        assert len(deleted) <= 1
    else:
        assert [post.post_id for post in listed] == [post_id]
        assert ([id_millis(place) for place in published], deleted) == ([listed[0].published_at.ToMilliseconds()], [])


async def _become_ready(peer: MediaPeer, publish_ready: PublishReady, media_id: str, delay: int) -> None:
    await asyncio.sleep(delay / 1000)
    peer.move(media_id, READY)
    await publish_ready(media_id)


async def _after(delay: int, action: Awaitable[object]) -> None:
    await asyncio.sleep(delay / 1000)
    await action


async def _retry(app: App, author: int, media_ids: list[str]) -> None:
    """Post again. A post that is deleted meanwhile is not found."""
    try:
        await app.create(author, media_ids, "race", key="k")
    except grpc.aio.AioRpcError as error:
        if reason_of(error) != "POST_NOT_FOUND":
            raise
