"""Tests from the uploaded film to playback with a real worker, including workers that die."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from lensfeed.media.v1 import media_pb2

from media_svc.job_costs import film_cost
from media_svc.jobs.queue import VIDEOS, JobQueue
from media_svc.jobs.worker import MAX_ATTEMPTS, WorkJobs
from media_svc.model import Media, MediaState, rendition_key
from media_svc.photos.renditions import Rendered, RenderLimits, render
from media_svc.videos.ffmpeg import Ffmpeg, find_ffmpeg
from media_svc.videos.process_video import CACHE_CONTROL, LIVE_CACHE_CONTROL, ProcessVideo
from meshkit.ids import PublicId
from meshkit.redis.client import open_redis
from tests.media_svc import films, pictures
from tests.media_svc.conftest import Parts
from tests.media_svc.jobs.leases import expire_leases
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

# The store makes no difference to films.
STORES = ("sqlite",)
MP4 = "video/mp4"
# More than all rungs of a short film take on a busy machine.
FILM_PATIENCE_SECONDS = 240
HLS = "application/vnd.apple.mpegurl"


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Provide a film of nine seconds and three rungs."""
    return films.moving(tmp_path_factory.mktemp("films") / "a.mp4", "1280x720", "30000/1001", 9).read_bytes()


@pytest.fixture(scope="session")
def small_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Provide a film of two seconds and two rungs."""
    return films.moving(tmp_path_factory.mktemp("films") / "a.mp4", "640x360", "25", 2).read_bytes()


async def _render(folder: Path, content_type: str) -> Rendered:
    return await render(folder, content_type, RenderLimits())


def _process(parts: Parts) -> ProcessVideo:
    return ProcessVideo(parts.store, parts.objects, parts.events, Ffmpeg(find_ffmpeg(None)), _render)


async def _stored(parts: Parts, media_id: str) -> Media:
    return (await parts.store.get_media([PublicId.parse(media_id)]))[0]


async def _until(parts: Parts, media_id: str, holds: Callable[[Media], bool]) -> Media:
    async with asyncio.timeout(FILM_PATIENCE_SECONDS):
        while not holds(media := await _stored(parts, media_id)):  # noqa: ASYNC110 - the store has no event to wait for
            await asyncio.sleep(0.1)
    return media


def _is_complete(media: Media) -> bool:
    return media.video is not None and media.video.is_complete


@pytest.mark.usefixtures("worker")
async def test_film(app: MediaApp, parts: Parts, film: bytes) -> None:
    """A film is READY with its lowest rung; the others join under the same URL, and all play to the end."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, film, "a test film")
    ready = await app.settled(owner, media_id)
    assert ready.state == media_pb2.MEDIA_STATE_READY
    _, sent = await app.events_of(media_id)
    assert sent.media_ready.media.hls_url == f"{media_id}/master.m3u8"
    assert sent.media_ready.media.progress_percent == 0
    first_mp4 = sent.media_ready.media.renditions[-1]
    assert (first_mp4.content_type, first_mp4.width, first_mp4.height) == (MP4, 426, 240)

    await _until(parts, media_id, _is_complete)
    media = await app.get(owner, media_id)
    assert (media.kind, media.width, media.height, media.progress_percent) == (
        media_pb2.MEDIA_KIND_VIDEO,
        1280,
        720,
        100,
    )
    assert media.duration_ms == pytest.approx(9000, abs=100)
    assert (media.alt_text, media.hls_url) == ("a test film", ready.hls_url)
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]
    await _check_playlists(app, media)
    await _check_poster_and_mp4(app, media)


async def _check_playlists(app: MediaApp, media: media_pb2.Media) -> None:
    master = await app.http.get(media.hls_url)
    assert (master.headers["content-type"], master.headers["cache-control"]) == (HLS, LIVE_CACHE_CONTROL)
    variants = films.variants_of(master.text)
    assert films.sizes_of(variants) == [(426, 240), (854, 480), (1280, 720)]
    assert all(each.bandwidth >= each.average_bandwidth > 0 for each in variants)
    rungs = []
    for each in variants:
        assert "://" not in each.uri
        playlist = await app.http.get(media.hls_url.replace("master.m3u8", each.uri))
        assert (playlist.headers["content-type"], playlist.headers["cache-control"]) == (HLS, CACHE_CONTROL)
        segments = films.segments_of(playlist.text)
        rungs.append([seconds for seconds, _ in segments])
        segment = await app.http.get(
            media.hls_url.replace("master.m3u8", each.uri.replace("index.m3u8", segments[0][1]))
        )
        assert (segment.headers["content-type"], segment.headers["cache-control"]) == (MP4, CACHE_CONTROL)
    assert rungs[0] == rungs[1] == rungs[2]
    played = await asyncio.to_thread(films.play_url, media.hls_url)
    assert played == dict.fromkeys(films.sizes_of(variants), 270)


async def _check_poster_and_mp4(app: MediaApp, media: media_pb2.Media) -> None:
    *poster, mp4 = media.renditions
    assert 15 <= len(media.thumbhash) <= 40
    assert [each.width for each in poster] == [320] * 3 + [640] * 3 + [1080] * 3 + [1280] * 3
    assert (mp4.content_type, mp4.width, mp4.height) == (MP4, 1280, 720)
    for each in (poster[0], poster[-1], mp4):
        answer = await app.http.get(each.url)
        assert (answer.status_code, answer.headers["content-type"]) == (httpx.codes.OK, each.content_type)
        assert len(answer.content) == each.size_bytes
        assert films.PLACE_WORDS not in answer.content
    assert answer.headers["cache-control"] == LIVE_CACHE_CONTROL
    assert films.play(answer.content).frames == 270
    part = await app.http.get(mp4.url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (httpx.codes.PARTIAL_CONTENT, answer.content[10:20])


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda film: film[: len(film) // 2], "MEDIA_CORRUPT"),
        (lambda _: b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "TYPE_MISMATCH"),
    ],
    ids=["cut", "playlist"],
)
async def test_rejected(
    app: MediaApp, parts: Parts, small_film: bytes, make: Callable[[bytes], bytes], reason: str
) -> None:
    """A file that is not a film is REJECTED with a reason and an event, its bytes are deleted, and the queue continues."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, make(small_film))
    media = await app.settled(owner, media_id)
    assert (media.state, media.failure.reason) == (media_pb2.MEDIA_STATE_REJECTED, reason)
    assert not media.hls_url
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_rejected"]
    original_key = (await _stored(parts, media_id)).original_key
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await parts.objects.head(original_key) is not None:  # noqa: ASYNC110 - S3 has no event to wait for
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("worker")
async def test_photos_do_not_wait(app: MediaApp, parts: Parts, film: bytes) -> None:
    """A photo queued behind two films is served before they are done."""
    owner = new_user()
    in_front = [await app.upload(owner, MP4, film) for _ in range(2)]
    photo = await app.upload(owner, "image/png", pictures.encoded(pictures.quarters(), "image/png"))
    assert (await app.settled(owner, photo)).state == media_pb2.MEDIA_STATE_READY
    assert not _is_complete(await _stored(parts, in_front[1]))


async def test_worker_dies(
    app: MediaApp,
    parts: Parts,
    shared_settings: dict[str, Any],
    redis_url: str,
    film: bytes,
    other_worker: Callable[[], int],
) -> None:
    """A killed worker leaves no ffmpeg behind, and another one continues after the finished rungs."""
    owner = new_user()
    pid = other_worker()
    media_id = await app.upload(owner, MP4, film)
    begun = await _until(parts, media_id, lambda media: media.state is MediaState.READY)
    children = psutil.Process(pid).children(recursive=True)
    os.kill(pid, 9)
    left = await _stored(parts, media_id)
    assert not _is_complete(left)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
    async with open_redis(redis_url) as redis:
        await expire_leases(redis, VIDEOS)
    async with _working(redis_url, parts):
        done = await _until(parts, media_id, _is_complete)
    assert begun.video is not None
    assert left.video is not None
    assert done.video is not None
    assert done.video.rungs[: len(left.video.rungs)] == left.video.rungs
    assert [each.height for each in done.video.rungs] == [240, 480, 720]
    played = await asyncio.to_thread(films.play_url, (await app.get(owner, media_id)).hls_url)
    assert played == {(426, 240): 270, (854, 480): 270, (1280, 720): 270}
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]


async def test_repeated(app: MediaApp, parts: Parts, small_film: bytes) -> None:
    """Processing a complete film again, even concurrently, changes nothing and sends no event."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, small_film)
    costs = await asyncio.gather(*(_process(parts)(PublicId.parse(media_id)) for _ in range(2)))
    assert await _process(parts)(PublicId.parse(media_id)) is None
    done = await _stored(parts, media_id)
    assert film_cost(done, 0) in costs
    assert _is_complete(done)
    assert done.video is not None
    assert [each.height for each in done.video.rungs] == [240, 360]
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]
    played = await asyncio.to_thread(films.play_url, (await app.get(owner, media_id)).hls_url)
    assert played == {(426, 240): 50, (640, 360): 50}
    await _process(parts)(PublicId.parse(media_id))
    assert await _stored(parts, media_id) == done


async def test_removed_meanwhile(app: MediaApp, parts: Parts, small_film: bytes) -> None:
    """A film removed during processing gets no more rungs, and its playlist does not come back."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, small_film)
    work = asyncio.create_task(_process(parts)(PublicId.parse(media_id)))
    ready = await _until(parts, media_id, lambda media: media.state is MediaState.READY)
    assert await parts.store.replace_media(ready, ready.removed(), [])
    master = rendition_key(ready.hls_name)
    await parts.objects.delete(master)
    await work
    (removed,) = await parts.store.get_media([ready.media_id])
    assert (removed.state, removed.video) == (MediaState.REMOVED, ready.video)
    assert await parts.objects.head(master) is None


async def test_given_up(app: MediaApp, parts: Parts, redis_url: str, small_film: bytes) -> None:
    """A film whose workers keep dying is rejected in the end, so that others get their turn."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, small_film)
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
        queue = JobQueue(redis, VIDEOS, lease_ms=1)
        await queue.add(PublicId.parse(media_id))
        for number in range(MAX_ATTEMPTS):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await queue.take(f"dead-{number}") is None:
                    pass
    async with _working(redis_url, parts):
        media = await app.settled(owner, media_id)
    assert (media.state, media.failure.reason) == (media_pb2.MEDIA_STATE_REJECTED, "MEDIA_CORRUPT")


async def test_stopped_in_between(app: MediaApp, parts: Parts, redis_url: str, small_film: bytes) -> None:
    """A stopped worker puts its film back at once, without counting the attempt."""
    owner = new_user()
    media_id = await app.upload(owner, MP4, small_film)
    async with open_redis(redis_url) as redis:
        await redis.flushdb()
        queue = JobQueue(redis, VIDEOS)
        await queue.add(PublicId.parse(media_id))
        async with _working(redis_url, parts, lease_ms=3_600_000):
            await _until_taken(redis)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (job := await queue.take("next")) is None:
                pass
    assert (str(job.media_id), job.attempt) == (media_id, 1)


async def _until_taken(redis: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await _pending(redis):  # noqa: ASYNC110 - Redis has no event to wait for
            await asyncio.sleep(0.02)


async def _pending(redis: Any) -> int:
    return int(await redis.zcard(f"{VIDEOS}:leases"))


class _working:  # noqa: N801 - read as a statement
    """A worker of films in this process whose leases expire soon."""

    def __init__(self, redis_url: str, parts: Parts, lease_ms: int = 1_000) -> None:
        self._redis = open_redis(redis_url)
        self._parts = parts
        self._lease_ms = lease_ms
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> None:
        queue = JobQueue(await self._redis.__aenter__(), VIDEOS, self._lease_ms)
        self._task = asyncio.create_task(WorkJobs(queue, _process(self._parts), "here", 1).run(self._stopping))

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        await self._task
        await self._redis.__aexit__(None, None, None)
