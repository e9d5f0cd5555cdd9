"""Process a video: READY with its lowest rung, then rung by rung until complete. Repeating it does what is missing.

Each served rung is recorded in the store, so that another worker can continue after a crash. Files are named by their
content, except two: the master playlist and the MP4 keep their names while they improve, so that posts and apps keep
working. Those two may be cached only briefly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.job_costs import film_cost
from media_svc.model import (
    Failure,
    FailureReason,
    Media,
    MediaRejectedError,
    MediaState,
    Picture,
    Rendition,
    Rung,
    rendition_key,
)
from media_svc.photos.make_renditions import OriginalMissingError
from media_svc.photos.renditions import Rendered
from media_svc.ports import Events, Objects
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.store.port import MediaStore
from media_svc.videos.ffmpeg import Ffmpeg
from media_svc.videos.hls import PLAYLIST_TYPE, master_playlist
from media_svc.videos.make_rung import MadeFile, make_mp4, make_poster, make_rung
from media_svc.videos.probe_video import probe_video
from media_svc.videos.progress import VideoProgress
from media_svc.videos.rules import Film, RungPlan, mp4_side, plan_rungs
from media_svc.videos.transcode import MP4_NAME
from media_svc.videos.unpack_animation import FILM_TYPE, unpack_animation
from media_svc.work_folder import work_folder
from meshkit.ids import PublicId

CACHE_CONTROL = cache_control(CacheClass.COLD)
# For files that improve under the same name. Caches also drop a deleted video this soon.
LIVE_CACHE_CONTROL = "public, max-age=15"
MP4_TYPE = "video/mp4"
_PUTS_AT_ONCE = 8
_UNPROCESSED = Failure(FailureReason.MEDIA_CORRUPT, "The file could not be processed.")
# Renders the file `original` in a folder, given its content type.
Render = Callable[[Path, str], Awaitable[Rendered]]
_log = structlog.get_logger()


class ProcessVideo:
    """Makes the rungs, MP4 and poster of a video."""

    def __init__(self, store: MediaStore, objects: Objects, events: Events, ffmpeg: Ffmpeg, render: Render) -> None:
        self._store = store
        self._objects = objects
        self._events = events
        self._ffmpeg = ffmpeg
        self._render = render

    async def __call__(self, media_id: PublicId) -> int | None:
        """Process one video, as far as needed. Returns what it cost, None if there was nothing to do.

        Raises RenderCrashedError or UnavailableError, which may pass.
        """
        media = await self._find(media_id)
        if media is None or not media.is_unfinished:
            return None
        began = time.monotonic()
        with work_folder("video") as folder:
            try:
                await self._process(media, folder)
            except MediaRejectedError as error:
                _log.warning(
                    "video_not_decoded", media_id=str(media_id), failure=error.failure, why=repr(error.__cause__)
                )
                await self.give_up(media_id, error.failure)
        return film_cost(await self._find(media_id) or media, time.monotonic() - began)

    async def give_up(self, media_id: PublicId, failure: Failure = _UNPROCESSED) -> None:
        """Stop processing: reject a video without any rung, complete one that has some."""
        media = await self._find(media_id)
        if media is None:
            return
        if media.state is MediaState.READY and media.is_unfinished:
            await self._store.grow_video(media, media.completed())
        elif media.state is MediaState.PROCESSING:
            await self._reject(media, failure)

    async def _find(self, media_id: PublicId) -> Media | None:
        found = await self._store.get_media([media_id])
        return found[0] if found else None

    async def _process(self, media: Media, folder: Path) -> None:
        if not await self._objects.download(media.original_key, folder / ORIGINAL_NAME):
            raise OriginalMissingError(str(media.media_id))
        film = await _film_in(folder, media)
        plans = plan_rungs(film)
        progress = VideoProgress(self._store, media.media_id, plans, film.duration_ms / 1000)
        for number, plan in enumerate(plans):
            progress.begin(number)
            if media.video is None or number >= len(media.video.rungs):
                changed = await self._add_rung(media, film, plans, plan, folder, progress)
                if changed is None:
                    return
                media = changed
        # A worker may have died after a rung and before the playlist that names it.
        await self._serve_master(media)
        await self._store.grow_video(media, media.completed())

    async def _add_rung(
        self,
        media: Media,
        film: Film,
        plans: tuple[RungPlan, ...],
        plan: RungPlan,
        folder: Path,
        progress: VideoProgress,
    ) -> Media | None:
        """Make a rung and serve it. Returns the changed video, or None if another worker has changed it."""
        began = time.monotonic()
        made = await make_rung(self._ffmpeg, folder, film, plan, progress)
        rung = replace(made.rung, playlist=f"{media.media_id}/{made.rung.playlist}")
        await self._serve(media.media_id, made.files)
        mp4 = None
        if media.video is None or plan.side == mp4_side(plans):
            mp4 = await self._serve_mp4(media, film, plan, folder)
        _log.info("rung_made", media_id=str(media.media_id), side=plan.side, seconds=round(time.monotonic() - began, 1))
        if media.video is None and mp4:
            return await self._start_playing(media, film, rung, mp4, folder)
        return await self._grow(media, media.grown(rung, mp4))

    async def _start_playing(self, media: Media, film: Film, rung: Rung, mp4: Rendition, folder: Path) -> Media | None:
        """Make the video READY with its first rung."""
        poster = await self._serve_poster(media, film, folder)
        changed = media.ready(poster).playable(film.duration_ms, rung, mp4)
        if media.is_picture_file:
            changed = changed.looping()
        await self._put_master(changed)
        record = self._events.ready(changed)
        if not await self._store.replace_media(media, changed, [record]):
            await self._handle_conflict(media)
            return None
        self._events.send_soon(record)
        _log.info("media_settled", media_id=str(media.media_id), state=changed.state, failure=None)
        return changed

    async def _grow(self, media: Media, changed: Media) -> Media | None:
        if not await self._store.grow_video(media, changed):
            await self._handle_conflict(media)
            return None
        await self._serve_master(changed)
        return changed

    async def _handle_conflict(self, media: Media) -> None:
        """Leave the video to the faster worker, and serve the playlist that the store has."""
        _log.warning("video_overtaken", media_id=str(media.media_id))
        current = await self._find(media.media_id)
        if current and current.state is MediaState.READY:
            await self._serve_master(current)

    async def _serve_poster(self, media: Media, film: Film, folder: Path) -> Picture:
        """Render and serve the poster. The picture's size is the film's."""
        rendered = await self._render(await make_poster(self._ffmpeg, folder, film), "image/png")
        poster = rendered.picture.named_under(media.media_id)
        for before, after in zip(rendered.picture.renditions, poster.renditions, strict=True):
            content = rendered.contents[before.name]
            await self._objects.put(rendition_key(after.name), content, after.content_type, CACHE_CONTROL)
        return replace(
            poster,
            width=film.width,
            height=film.height,
            taken_at=film.taken_at,
            taken_at_offset=film.taken_at_offset,
        )

    async def _serve(self, media_id: PublicId, files: Sequence[MadeFile]) -> None:
        turn = asyncio.Semaphore(_PUTS_AT_ONCE)

        async def put(file: MadeFile) -> None:
            async with turn:
                key = rendition_key(f"{media_id}/{file.name}")
                await self._objects.put(key, file.path.read_bytes(), file.content_type, CACHE_CONTROL)

        await asyncio.gather(*map(put, files))

    async def _serve_mp4(self, media: Media, film: Film, plan: RungPlan, folder: Path) -> Rendition:
        path = await make_mp4(self._ffmpeg, folder, film, plan)
        mp4 = Rendition(f"{media.media_id}/{MP4_NAME}", MP4_TYPE, plan.width, plan.height, path.stat().st_size)
        await self._objects.put_file(rendition_key(mp4.name), path, MP4_TYPE, LIVE_CACHE_CONTROL)
        return mp4

    async def _serve_master(self, media: Media) -> None:
        """Serve the stored playlist. The last of several concurrent writers has checked it."""
        current: Media | None = media
        while current and current.video:
            await self._put_master(current)
            written, current = current.video.rungs, await self._find(media.media_id)
            if current is None or current.state is not MediaState.READY:
                # It was removed meanwhile: delete the playlist written just now.
                await self._objects.delete(rendition_key(media.hls_name))
                return
            if current.video and current.video.rungs == written:
                return

    async def _put_master(self, media: Media) -> None:
        playlist = master_playlist(media.video.rungs if media.video else ()).encode()
        await self._objects.put(rendition_key(media.hls_name), playlist, PLAYLIST_TYPE, LIVE_CACHE_CONTROL)

    async def _reject(self, media: Media, failure: Failure) -> None:
        changed = media.rejected(failure)
        record = self._events.rejected(changed)
        if await self._store.replace_media(media, changed, [record]):
            self._events.send_soon(record)
            _log.info("media_settled", media_id=str(media.media_id), state=changed.state, failure=failure)
            await self._objects.delete(media.original_key)


async def _film_in(folder: Path, media: Media) -> Film:
    """Probe the original in a folder. An animated picture is turned into a film first."""
    if not media.is_picture_file:
        return await probe_video(folder, media.content_type)
    await unpack_animation(folder, media.content_type)
    return await probe_video(folder, FILM_TYPE)
