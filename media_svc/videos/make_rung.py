"""Make one quality of a film with ffmpeg: segments, one MP4, and the poster. Nothing is public yet."""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from media_svc.model import FailureReason, MediaRejectedError, Rung
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.videos.colour_table import ensure_table
from media_svc.videos.ffmpeg import Ffmpeg, OnSeconds
from media_svc.videos.hls import PLAYLIST_TYPE, SEGMENT_TYPE, Segment, bandwidths, codecs_of, read_segments
from media_svc.videos.rules import Film, RungPlan
from media_svc.videos.transcode import (
    INIT_NAME,
    JOINED_NAME,
    MP4_NAME,
    PLAYLIST_NAME,
    POSTER_NAME,
    folder_of,
    limits_for,
    mp4_arguments,
    poster_arguments,
    rung_arguments,
)

# A film that decodes to less than this share of its length is damaged.
LEAST_SHARE = 0.9
_DIGEST_DIGITS = 16


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file to serve: its name under the medium's prefix, its local path, and its type."""

    name: str
    path: Path
    content_type: str


@dataclass(frozen=True, slots=True)
class MadeRung:
    """One quality: its entry in the master playlist, and its files, named by their content."""

    rung: Rung
    files: Sequence[MadeFile]


async def make_rung(ffmpeg: Ffmpeg, folder: Path, film: Film, plan: RungPlan, on_seconds: OnSeconds) -> MadeRung:
    """Make a rung of the file `original` in a private folder. `rung.playlist` is its name under the medium's prefix.

    Raises MediaRejectedError if the film is to blame, RenderCrashedError if not.
    """
    out = folder / folder_of(plan)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    seconds = film.duration_ms / 1000
    await asyncio.to_thread(ensure_table, folder, film)
    await ffmpeg(rung_arguments(film, plan), folder, limits_for(seconds), on_seconds)
    segments = read_segments(out)
    if sum(each.seconds for each in segments) < seconds * LEAST_SHARE:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "Most of the film cannot be decoded.")
    return await asyncio.to_thread(_describe, out, film, plan, segments)


async def make_mp4(ffmpeg: Ffmpeg, folder: Path, film: Film, plan: RungPlan) -> Path:
    """Join a rung's segments to one MP4 with its index first, so that it plays while it loads."""
    await asyncio.to_thread(_join, folder, plan)
    await ffmpeg(mp4_arguments(), folder, limits_for(film.duration_ms / 1000))
    (folder / JOINED_NAME).unlink()
    return folder / MP4_NAME


async def make_poster(ffmpeg: Ffmpeg, folder: Path, film: Film) -> Path:
    """Extract the poster, and put it as `original` into its own folder for the photo renderer."""
    limits = limits_for(film.duration_ms / 1000)
    await asyncio.to_thread(ensure_table, folder, film)
    for is_first in (False, True):
        await ffmpeg(poster_arguments(film, is_first=is_first), folder, limits)
        if (folder / POSTER_NAME).exists():
            poster = folder / "poster"
            poster.mkdir()
            (folder / POSTER_NAME).rename(poster / ORIGINAL_NAME)
            return poster
    raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The film has no frame that can be decoded.")


def _describe(out: Path, film: Film, plan: RungPlan, segments: Sequence[Segment]) -> MadeRung:
    paths = [out / PLAYLIST_NAME, out / INIT_NAME, *(each.path for each in segments)]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    name = f"{out.name}-{digest.hexdigest()[:_DIGEST_DIGITS]}"
    types = [PLAYLIST_TYPE] + [SEGMENT_TYPE] * (len(paths) - 1)
    files = [MadeFile(f"{name}/{path.name}", path, kind) for path, kind in zip(paths, types, strict=True)]
    bandwidth, average = bandwidths(segments)
    codecs = codecs_of(out, has_sound=film.audio_stream is not None)
    rung = Rung(files[0].name, plan.width, plan.height, bandwidth, average, codecs, round(float(film.frame_rate), 3))
    return MadeRung(rung, files)


def _join(folder: Path, plan: RungPlan) -> None:
    """Concatenate the init segment and the segments to a fragmented MP4."""
    out = folder / folder_of(plan)
    with (folder / JOINED_NAME).open("wb") as joined:
        for path in (out / INIT_NAME, *(each.path for each in read_segments(out))):
            with path.open("rb") as part:
                shutil.copyfileobj(part, joined)
