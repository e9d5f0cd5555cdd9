"""The safety net: waiting posts that no event published."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from meshkit.events import open_producer
from meshkit.events.outbox import MINUTE_MS
from meshkit.grpc.channels import connect
from meshkit.grpc.status import is_outage
from meshkit.ids import PublicId, id_millis, new_id
from post_svc.events import STREAM, PostEvents
from post_svc.model import Medium, PublishedPost, WaitingPost
from post_svc.peers import MEDIA_SERVICE, MediaService
from post_svc.publish_waiting import PublishWaiting
from post_svc.settings import ServeSettings
from post_svc.sweep_waiting import AGES, SweepWaiting
from tests.post_svc.clients import published_and_deleted, some_user
from tests.post_svc.media_peer import PROCESSING, READY, MediaPeer
from tests.post_svc.post_stores import OpenStore


class Catalog:
    """The media service at an address that changes."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def media_of(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Medium]:
        """Look media up."""
        async with connect(self.address, MEDIA_SERVICE) as channel:
            return await MediaService(channel).media_of(owner_id, media_ids)


@pytest.fixture
def sweeper(beside: OpenStore, publish_waiting: PublishWaiting) -> SweepWaiting:
    """Return a sweeper over the store."""
    return SweepWaiting(beside.posts, publish_waiting, is_outage)


async def _leave_waiting(beside: OpenStore, peer: MediaPeer, author_id: int) -> tuple[PublicId, str]:
    """Store a waiting post like a process that dies right after. Its medium is ready and its event is gone."""
    medium = peer.add(author_id, READY)
    post = PublicId(new_id(), author_id)
    await beside.posts.add_waiting(WaitingPost(post, "left", (medium,)))
    return post, medium


def _minutes_later(post: PublicId, minutes: int) -> int:
    return id_millis(post.local) + minutes * MINUTE_MS


@pytest.mark.parametrize("age", AGES)
async def test_post_that_was_left_is_published(
    publish_waiting: PublishWaiting, peer: MediaPeer, beside: OpenStore, age: int
) -> None:
    """After 1, 2, 4, 8, … minutes the sweeps of two processes find the post and publish it once."""
    post, _ = await _leave_waiting(beside, peer, some_user())
    for _ in range(2):
        await SweepWaiting(beside.posts, publish_waiting, is_outage).sweep(_minutes_later(post, age))
    found = await beside.posts.find(post)
    assert isinstance(found, PublishedPost)
    assert await published_and_deleted(beside.outbox, post.owner) == ([found.place], [])


async def test_post_of_this_minute_is_its_creators(sweeper: SweepWaiting, peer: MediaPeer, beside: OpenStore) -> None:
    """A sweep ignores posts of the current minute, which are still being created."""
    post, _ = await _leave_waiting(beside, peer, some_user())
    await sweeper.sweep(id_millis(post.local))
    assert isinstance(await beside.posts.find(post), WaitingPost)


async def test_post_whose_media_are_not_ready_goes_on_waiting(
    sweeper: SweepWaiting, peer: MediaPeer, beside: OpenStore
) -> None:
    """If the media are not ready, a later sweep checks again."""
    post, medium = await _leave_waiting(beside, peer, some_user())
    peer.move(medium, PROCESSING)
    await sweeper.sweep(_minutes_later(post, 1))
    assert isinstance(await beside.posts.find(post), WaitingPost)
    peer.move(medium, READY)
    await sweeper.sweep(_minutes_later(post, 2))
    assert isinstance(await beside.posts.find(post), PublishedPost)


async def test_publisher_that_died_with_its_place_is_followed_up(
    sweeper: SweepWaiting, peer: MediaPeer, beside: OpenStore
) -> None:
    """A place that was claimed but not used is used by the next sweep."""
    post, _ = await _leave_waiting(beside, peer, some_user())
    place = await beside.posts.claim_place(post, new_id())
    await sweeper.sweep(_minutes_later(post, 4))
    assert await published_and_deleted(beside.outbox, post.owner) == ([place], [])


async def test_sweeping_continues_after_an_outage_of_the_media_service(
    settings: ServeSettings, peer: MediaPeer, beside: OpenStore
) -> None:
    """A sweep stops at once while media_svc is down, and a later one covers the minutes that were missed."""
    post, _ = await _leave_waiting(beside, peer, some_user())
    async with open_producer(settings.redis_url, STREAM, beside.outbox) as producer:
        catalog = Catalog(peer.address)
        sweeper = SweepWaiting(beside.posts, PublishWaiting(beside.posts, catalog, PostEvents(producer)), is_outage)
        await sweeper.sweep(_minutes_later(post, 0))
        catalog.address = "127.0.0.1:1"
        with pytest.raises(grpc.aio.AioRpcError):
            await sweeper.sweep(_minutes_later(post, 1))
        assert isinstance(await beside.posts.find(post), WaitingPost)
        catalog.address = peer.address
        await sweeper.sweep(_minutes_later(post, 7))
    assert isinstance(await beside.posts.find(post), PublishedPost)


async def test_sweeping_ends_with_the_process(sweeper: SweepWaiting) -> None:
    """A stopping sweeper ends after its sweep."""
    stopping = asyncio.Event()
    running = asyncio.create_task(sweeper.run(stopping))
    await asyncio.sleep(0)
    stopping.set()
    await running
