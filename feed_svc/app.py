"""The composition root of feed_svc: the only place that creates and connects things."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from lensfeed.feed.v1.feed_edge_service_pb2_grpc import add_FeedEdgeServiceServicer_to_server
from lensfeed.feed.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server
from opentelemetry import metrics
from redis.asyncio import Redis

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.drift.divergence_ratio import show_divergence
from feed_svc.drift.sampler import SampleDrift
from feed_svc.events import FAN_OUT, GROUP, STREAMS, FeedEvents, StreamedChunks
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.apply_privacy import ApplyPrivacy
from feed_svc.fan_out.chunks import CHUNKS_AT_ONCE
from feed_svc.fan_out.fan_out_post import FanOut
from feed_svc.fan_out.lag import FanOutLag
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.fan_out.refresh_author import RefreshAuthor
from feed_svc.fan_out.remove_post import RemovePost
from feed_svc.peers import MEDIA_SERVICE, GrpcCardSource, GrpcGraph, GrpcPosts, GrpcViews, media_of
from feed_svc.presenting.json_cards import JsonCards
from feed_svc.reading.count_views import CountViews
from feed_svc.reading.get_feed import GetFeed
from feed_svc.reading.readers import open_skeleton
from feed_svc.rpc import FeedRpc
from feed_svc.settings import FeedSettings, TimelineSettings, WorkSettings
from feed_svc.store.author_timelines import RedisAuthorTimelines
from feed_svc.store.card_changes import CardLog
from feed_svc.store.card_memory import CardMemory
from feed_svc.store.cards import RedisCards
from feed_svc.store.celebrities import RedisCelebrities
from feed_svc.store.followees import RedisFollowees
from feed_svc.store.former_workers import name_of, wait_for_former_workers
from feed_svc.store.public_authors import RedisPublicAuthors
from feed_svc.store.recent_unfollows import RedisRecentUnfollows
from feed_svc.store.timeline_walk import TimelineWalk
from feed_svc.store.timelines import RedisTimelines
from meshkit.cursors import Cursors
from meshkit.events import Consumer, Trim
from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process
from meshkit.grpc.server import serve as serve_process
from meshkit.grpc.status import is_outage
from meshkit.redis.client import open_redis
from meshkit.redis.mux import RedisMux, open_mux
from meshkit.revocations import open_revocations


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the serving process and the worker share."""

    redis: "Redis"
    timelines: RedisTimelines
    authors: RedisAuthorTimelines
    celebrities: RedisCelebrities
    recent_unfollows: RedisRecentUnfollows
    followees: RedisFollowees
    cards: RedisCards
    public_authors: RedisPublicAuthors
    graph: GrpcGraph
    posts: GrpcPosts
    source: GrpcCardSource


@contextlib.asynccontextmanager
async def _open_parts(settings: TimelineSettings) -> AsyncIterator[_Parts]:
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.redis_url))
        mux = await stack.enter_async_context(open_mux(settings.redis_url))
        identity = settings.identity_of("feed")
        follow = connect(settings.follow_addr, "lensfeed.follow.v1.FollowInternalService", identity=identity)
        post = connect(settings.post_addr, "lensfeed.post.v1.PostInternalService", identity=identity)
        user = connect(settings.user_addr, "lensfeed.user.v1.UserInternalService", identity=identity)
        for channel in (follow, post, user):
            stack.push_async_callback(channel.close, None)
        yield _Parts(
            redis,
            RedisTimelines(mux, ttl_seconds=settings.timeline_ttl_seconds),
            RedisAuthorTimelines(mux),
            _celebrities(mux, settings),
            RedisRecentUnfollows(redis),
            RedisFollowees(mux),
            RedisCards(mux),
            RedisPublicAuthors(mux),
            GrpcGraph(follow),
            GrpcPosts(post),
            GrpcCardSource(post, user, follow),
        )


def _celebrities(mux: RedisMux, settings: TimelineSettings) -> RedisCelebrities:
    # A live timeline was read within its TTL, and that read applied every change older than the grace period.
    keep_ms = settings.timeline_ttl_seconds * 1_000 + settings.celebrity_grace_ms
    return RedisCelebrities(
        mux, threshold=settings.celebrity_followers, grace_ms=settings.celebrity_grace_ms, keep_ms=keep_ms
    )


def _card_memory(parts: _Parts, settings: FeedSettings) -> CardMemory | None:
    mebibytes = settings.card_memory_mib
    return CardMemory(parts.cards, CardLog(parts.redis), mebibytes * 1024 * 1024) if mebibytes else None


@contextlib.asynccontextmanager
async def serving_process(settings: FeedSettings) -> AsyncIterator[Process]:
    """Open the process that answers reads."""
    async with (
        _open_parts(settings) as parts,
        open_revocations(settings.redis_url) as revocations,
        connect(settings.media_addr, MEDIA_SERVICE, identity=settings.identity_of("feed")) as media,
        contextlib.AsyncExitStack() as stack,
    ):
        await wait_for_former_workers(parts.redis, GROUP, [stream.key for stream in STREAMS])
        skeleton = open_skeleton(
            parts.timelines,
            parts.authors,
            parts.celebrities,
            parts.recent_unfollows,
            parts.followees,
            parts.graph,
            parts.posts,
            is_outage=is_outage,
            grace_ms=settings.celebrity_grace_ms,
            meter=metrics.get_meter("feed_svc"),
        )
        stack.push_async_callback(skeleton.close)
        cursors = Cursors(settings.cursor_key_list, "feed")
        memory = _card_memory(parts, settings)
        cards = memory or parts.cards
        get_feed = GetFeed(skeleton, cards, parts.public_authors, parts.source, parts.graph, cursors, is_outage)
        sample = CountViews(GrpcViews(media), media_of)
        rpc = FeedRpc(get_feed, sample.record, JsonCards(settings.card_json_mib * 1024 * 1024))
        process = Process(
            "feed_svc",
            registrations=[
                partial(add_FeedServiceServicer_to_server, rpc),
                partial(add_FeedEdgeServiceServicer_to_server, rpc),
            ],
            background={"sample": sample.run, **({"card memory": memory.run} if memory else {})},
            # No dependencies: without Redis, feeds come from the store; without the store, from Redis.
        )
        yield revocations.guard(process)


@contextlib.asynccontextmanager
async def working_process(settings: WorkSettings) -> AsyncIterator[Process]:
    """Open the process that fills timelines."""
    async with _open_parts(settings) as parts:
        lag = FanOutLag()
        follow = ApplyFollow(
            parts.graph, parts.posts, parts.timelines, parts.recent_unfollows, parts.celebrities, parts.followees
        )
        refresh_author = RefreshAuthor(parts.posts, parts.cards)
        chunks = StreamedChunks(parts.redis)
        push_to_followers = PushToFollowers(parts.graph, parts.timelines, parts.recent_unfollows, follow, chunks, lag)
        handle = FeedEvents(
            FanOut(parts.graph, parts.authors, parts.celebrities, push_to_followers),
            RemovePost(parts.cards, parts.authors, parts.celebrities, push_to_followers, settings.celebrity_grace_ms),
            push_to_followers,
            follow,
            refresh_author,
            ApplyPrivacy(parts.public_authors, refresh_author),
        )
        drift = SampleDrift(
            parts.timelines,
            TimelineWalk(parts.redis),
            CelebrityModes(parts.celebrities, settings.celebrity_grace_ms),
            parts.graph,
            parts.posts,
            is_outage,
            interval=settings.drift_sample_seconds,
        )
        show_divergence(drift)
        sampling = {"drift": drift.run} if settings.drift_sample_seconds else {}
        consume = partial(Consumer, parts.redis, group=GROUP, member=name_of(settings.member), handler=handle)
        yield Process(
            "feed_svc",
            background={
                **{stream.name: consume(stream).run for stream in STREAMS},
                FAN_OUT.name: consume(FAN_OUT, at_once=CHUNKS_AT_ONCE).run,
                "trim": Trim(parts.redis, FAN_OUT).run,
                **sampling,
            },
            dependencies={"redis": parts.timelines.check},
        )


async def serve() -> None:
    """Answer FeedService."""
    settings = FeedSettings.load()
    async with serving_process(settings) as process:
        await serve_process(process, settings)


async def work() -> None:
    """Fan out posts, backfill follows and remove deleted posts."""
    settings = WorkSettings.load()
    async with working_process(settings) as process:
        await serve_process(process, settings)
