"""The composition root of post_svc."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from lensfeed.post.v1.post_internal_service_pb2_grpc import add_PostInternalServiceServicer_to_server
from lensfeed.post.v1.post_service_pb2_grpc import add_PostServiceServicer_to_server

from meshkit.cursors import Cursors
from meshkit.events import Consumer, open_producer
from meshkit.events.producer import Producer
from meshkit.grpc import server
from meshkit.grpc.channels import connect
from meshkit.grpc.health import Check
from meshkit.grpc.server import Process
from meshkit.grpc.status import is_outage
from meshkit.media_urls import MediaUrls
from meshkit.opened_store import migration
from meshkit.redis.client import check_redis, open_redis
from meshkit.revocations import open_revocations
from meshkit.sight.peer import open_gate
from post_svc.batch_get_posts import BatchGetPosts
from post_svc.batch_list_places import BatchListPlaces
from post_svc.create_post import CreatePost
from post_svc.delete_post import DeletePost
from post_svc.events import GROUP, MEDIA_STREAM, STREAM, PostEvents, media_handler
from post_svc.filter_used_media import FilterUsedMedia
from post_svc.get_post import FindPost, GetPost
from post_svc.improve_posts import ImprovePosts
from post_svc.index_media import IndexMedia
from post_svc.list_user_posts import CURSOR_KIND, ListUserPosts
from post_svc.manifests import shows
from post_svc.messages import Messages
from post_svc.peers import MEDIA_SERVICE, MediaService
from post_svc.publish_waiting import PublishReady, PublishWaiting
from post_svc.rpc import PostInternalServicer, PostServicer
from post_svc.settings import ServeSettings, WorkSettings
from post_svc.store import PostStore
from post_svc.store.open import open_store
from post_svc.sweep_waiting import SweepWaiting


class _Parts(NamedTuple):
    """What both processes use."""

    store: PostStore
    check_store: Check
    producer: Producer
    events: PostEvents
    media: MediaService
    publish_waiting: PublishWaiting


migrate = migration(open_store)


@contextlib.asynccontextmanager
async def serving_process(settings: ServeSettings) -> AsyncIterator[Process]:
    """Open what `serve` needs and wire it up."""
    async with (
        _parts(settings) as parts,
        open_gate(settings, "post") as gate,
        open_revocations(settings.redis_url) as revocations,
    ):
        find_post = FindPost(parts.store, parts.media)
        message = Messages(MediaUrls(settings.media_base_url))
        public = PostServicer(
            CreatePost(parts.store, parts.media, parts.events, parts.publish_waiting, find_post),
            GetPost(find_post, gate),
            DeletePost(parts.store, parts.events),
            ListUserPosts(parts.store, Cursors(settings.cursor_key_list, CURSOR_KIND), gate),
            message,
        )
        internal = PostInternalServicer(
            BatchGetPosts(parts.store), BatchListPlaces(parts.store), FilterUsedMedia(parts.store), message
        )
        process = Process(
            "post_svc serve",
            [
                partial(add_PostServiceServicer_to_server, public),
                partial(add_PostInternalServiceServicer_to_server, internal),
            ],
            background={"sweep": parts.producer.sweep},
            dependencies={"store": parts.check_store, "clocks": parts.producer.check_clocks},
        )
        yield revocations.guard(process)


@contextlib.asynccontextmanager
async def working_process(settings: WorkSettings) -> AsyncIterator[Process]:
    """Open what `work` needs and wire it up."""
    async with _parts(settings) as parts, open_redis(settings.redis_url) as redis:
        handler = media_handler(PublishReady(parts.store, parts.publish_waiting), ImprovePosts(parts.store, shows))
        yield Process(
            "post_svc work",
            background={
                "consume": Consumer(redis, MEDIA_STREAM, GROUP, settings.member, handler).run,
                "sweep_waiting": SweepWaiting(parts.store, parts.publish_waiting, is_outage).run,
                "index_media": IndexMedia(parts.store).run,
            },
            dependencies={"store": parts.check_store, "redis": check_redis(redis)},
        )


async def serve() -> None:
    """Serve posts and authors' timelines."""
    settings = ServeSettings.load()
    async with serving_process(settings) as process:
        await server.serve(process, settings)


async def work() -> None:
    """Publish posts once their media are ready, and update posts when a medium gets better renditions."""
    settings = WorkSettings.load()
    async with working_process(settings) as process:
        await server.serve(process, settings)


@contextlib.asynccontextmanager
async def _parts(settings: ServeSettings | WorkSettings) -> AsyncIterator[_Parts]:
    async with (
        open_store(settings) as opened,
        open_producer(settings.redis_url, STREAM, opened.outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE, identity=settings.identity_of("post")) as channel,
    ):
        store, events, media = opened.store, PostEvents(producer), MediaService(channel)
        yield _Parts(store, opened.check, producer, events, media, PublishWaiting(store, media, events))
