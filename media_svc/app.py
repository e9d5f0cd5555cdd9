"""The composition roots of media_svc."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

import structlog
from lensfeed.media.v1 import media_internal_service_pb2_grpc, media_service_pb2_grpc
from redis.asyncio import Redis

from media_svc.confinement.confine import missing_protections
from media_svc.delivery.count_views import CountViews
from media_svc.delivery.erase_media import EraseMedia
from media_svc.delivery.popularity import RedisPopularity
from media_svc.delivery.purge_cdn import open_caches
from media_svc.delivery.reclassify_media import ReclassifyMedia
from media_svc.delivery.remove_media import RemoveMedia
from media_svc.events import GROUP, POST_STREAM, STREAM, HandleEvent, HandlePostEvent, MediaEvents
from media_svc.find_shared_media import FindSharedMedia
from media_svc.get_media import BatchGetMedia, GetMedia
from media_svc.jobs.move_old_jobs import MoveOldJobs
from media_svc.jobs.queue import LARGE_PHOTOS, PHOTOS, POPULAR_PHOTOS, VIDEOS, JobQueue
from media_svc.jobs.worker import WorkJobs, all_idle
from media_svc.peers import POST_SERVICE, USER_SERVICE, PeerMediaUsage
from media_svc.photos.improve_photo import ImprovePhoto
from media_svc.photos.make_renditions import MakeRenditions
from media_svc.photos.pick_rendition import PickRendition
from media_svc.photos.render_pool import open_render_pool
from media_svc.photos.renditions import BACKGROUND_LIMITS, render
from media_svc.ports import Objects
from media_svc.presenting import Presenter
from media_svc.queue_media import QueueMedia
from media_svc.rpc import MediaInternalServicer, MediaServicer
from media_svc.s3.objects import open_objects
from media_svc.sandbox.recipes import Recipe
from media_svc.settings import S3Settings, ServeSettings, UsageSettings, WorkSettings
from media_svc.store.open import Opened, open_store
from media_svc.store.port import MediaStore
from media_svc.uploads.complete_upload import CompleteUpload
from media_svc.uploads.finish_upload import FinishUpload
from media_svc.uploads.limit_uploads import LimitUploads
from media_svc.uploads.receive_s3_events import FinishByKey, S3EventReceiver
from media_svc.uploads.receive_sqs import QueueReceiver
from media_svc.uploads.resume_upload import ResumeUpload
from media_svc.uploads.start_upload import StartUpload
from media_svc.uploads.start_upload_once import StartUploadOnce
from media_svc.uploads.sweep_uploads import SweepUploads
from media_svc.uploads.unfinished_media import RedisUnfinishedMedia
from media_svc.videos.ffmpeg import Ffmpeg, find_ffmpeg
from media_svc.videos.process_video import ProcessVideo
from meshkit.events import Consumer, Producer, open_producer
from meshkit.grpc import server
from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process
from meshkit.media_urls import MediaUrls
from meshkit.opened_store import migration
from meshkit.redis.client import check_redis, open_redis
from meshkit.revocations import open_revocations
from meshkit.sight import Gate
from meshkit.sight.peer import open_gate

_log = structlog.get_logger()
# A long video has hundreds of files, and an author thousands of posts. Leaves time for a second try.
REMOVAL_LIMIT_SECONDS = 40.0
REMOVAL_IDLE_MS = 50_000


async def serve() -> None:
    """Serve uploads and media to apps and services, receive S3 events, and sweep."""
    settings = ServeSettings.load()
    async with serving_process(settings) as process:
        await server.serve(process, settings)


async def work() -> None:
    """Process uploads, remove deleted media and reclassify popular ones."""
    settings = WorkSettings.load()
    if missing := missing_protections():
        _log.warning("decoders_not_confined", missing=missing)
    async with working_process(settings) as process:
        await server.serve(process, settings)


async def set_up() -> None:
    """Apply the bucket's CORS and lifecycle rules, and end public access. Repeat it after an update."""
    # Imported here because only this command uses boto3.
    from media_svc.s3.set_up_bucket import set_up as apply_rules

    settings = S3Settings.load()
    gets_cold = apply_rules(settings)
    _log.info("bucket_set_up", bucket=settings.s3_bucket)
    if not gets_cold:
        _log.warning("no_cold_tier", why="this S3 has no storage classes; originals stay where they are")


migrate = migration(open_store)


@contextlib.asynccontextmanager
async def serving_process(settings: ServeSettings) -> AsyncIterator[Process]:
    """Open everything the serving process needs and wire it together."""
    presenter = Presenter(MediaUrls(settings.media_base_url))
    async with (
        _stores(settings) as (opened, producer),
        open_objects(settings) as objects,
        open_caches(settings) as caches,
        open_redis(settings.redis_url) as redis,
        open_gate(settings, "media") as gate,
        _open_usage(settings) as usage,
        open_revocations(settings.redis_url) as revocations,
    ):
        store, events = opened.store, MediaEvents(producer)
        finish = FinishUpload(store, objects, events)
        sweeper = SweepUploads(store, objects, events, finish, EraseMedia(objects, caches), producer.times)
        background = {"sweep": producer.sweep, "uploads": sweeper.run}
        by_key = FinishByKey(store, finish)
        if settings.media_sqs_url:
            background["queue"] = QueueReceiver(settings, settings.media_sqs_url, by_key).run
        if settings.webhook_addr and settings.webhook_secret:
            secret = settings.webhook_secret.get_secret_value()
            background["webhook"] = S3EventReceiver(settings.webhook_addr, secret, settings.s3_bucket, by_key).run
        limit = LimitUploads(store, RedisUnfinishedMedia(redis), settings.max_unfinished_media)
        start = StartUpload(store, objects, quota=settings.storage_quota or None, limit=limit)
        find = FindSharedMedia(store, usage)
        public, internal = _public(store, objects, finish, start, presenter, find, gate), _internal(store, redis)
        process = Process(
            name="media_svc",
            registrations=(
                partial(media_service_pb2_grpc.add_MediaServiceServicer_to_server, public),
                partial(media_internal_service_pb2_grpc.add_MediaInternalServiceServicer_to_server, internal),
            ),
            background=background,
            dependencies={"store": opened.check, "clocks": producer.check_clocks},
        )
        yield revocations.guard(process)


@contextlib.asynccontextmanager
async def working_process(settings: WorkSettings) -> AsyncIterator[Process]:
    """Open everything the worker needs and wire it together."""
    async with (
        _stores(settings) as (opened, producer),
        open_objects(settings) as objects,
        open_redis(settings.redis_url) as redis,
        open_caches(settings) as caches,
        _open_usage(settings) as usage,
        open_render_pool(settings.render_concurrency) as rendering,
    ):
        events = MediaEvents(producer)
        photos, large, videos = (JobQueue(redis, key) for key in (PHOTOS, LARGE_PHOTOS, VIDEOS))
        make = partial(MakeRenditions, opened.store, objects, events, add_video=videos.add, add_large=large.add)
        small_work = WorkJobs(photos, make(rendering.small), settings.member, settings.render_concurrency)
        large_work = WorkJobs(large, make(rendering.large), settings.member, rendering.large_at_once)
        handle = HandleEvent(QueueMedia(opened.store, photos, videos), RedisUnfinishedMedia(redis))
        consumer = Consumer(redis, STREAM, GROUP, settings.member, handle)
        erase = EraseMedia(objects, caches)
        remove = RemoveMedia(opened.store, usage, erase)
        popular = JobQueue(redis, POPULAR_PHOTOS) if settings.improve_photos else None
        reclassify = ReclassifyMedia(opened.store, objects, RedisPopularity(redis), erase, popular)
        deletions = Consumer(
            redis,
            POST_STREAM,
            GROUP,
            settings.member,
            HandlePostEvent(remove),
            handler_limit=REMOVAL_LIMIT_SECONDS,
            claim_idle_ms=REMOVAL_IDLE_MS,
        )
        background = {
            "consume": consumer.run,
            "photos": small_work.run,
            "large_photos": large_work.run,
            "old_videos": MoveOldJobs(redis, videos).run,
            "remove": deletions.run,
            "reclassify": reclassify.run,
        }
        if settings.video_concurrency:
            ffmpeg = Ffmpeg(find_ffmpeg(settings.ffmpeg_binary))
            process = ProcessVideo(opened.store, objects, events, ffmpeg, rendering)
            background["videos"] = WorkJobs(videos, process, settings.member, settings.video_concurrency).run
        if popular:
            better = partial(render, limits=BACKGROUND_LIMITS, recipe=Recipe.BETTER_AVIF)
            improve = ImprovePhoto(opened.store, objects, events, better, erase)
            background["old_popular_photos"] = MoveOldJobs(redis, popular).run
            background["improve"] = WorkJobs(
                popular, improve, settings.member, 1, all_idle(consumer, small_work, large_work)
            ).run
        yield Process(
            name="media_svc work",
            background=background,
            dependencies={"store": opened.check, "redis": check_redis(redis)},
        )


@contextlib.asynccontextmanager
async def _stores(settings: S3Settings) -> AsyncIterator[tuple[Opened, Producer]]:
    async with open_store(settings) as opened, open_producer(settings.redis_url, STREAM, opened.outbox) as producer:
        yield opened, producer


@contextlib.asynccontextmanager
async def _open_usage(settings: UsageSettings) -> AsyncIterator[PeerMediaUsage]:
    async with (
        connect(settings.post_addr, POST_SERVICE, identity=settings.identity_of("media")) as posts,
        connect(settings.user_addr, USER_SERVICE, identity=settings.identity_of("media")) as users,
    ):
        yield PeerMediaUsage(posts, users)


def _public(
    store: MediaStore,
    objects: Objects,
    finish: FinishUpload,
    start_upload: StartUpload,
    presenter: Presenter,
    find: FindSharedMedia,
    gate: Gate,
) -> MediaServicer:
    resume = ResumeUpload(store, objects)
    start = StartUploadOnce(store, start_upload, resume)
    get = GetMedia(find, resume, gate)
    return MediaServicer(start, CompleteUpload(store, finish), get, PickRendition(find, gate), presenter)


def _internal(store: MediaStore, redis: "Redis") -> MediaInternalServicer:
    return MediaInternalServicer(BatchGetMedia(store), CountViews(RedisPopularity(redis)), Presenter())
