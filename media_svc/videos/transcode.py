"""The ffmpeg arguments for a rung, the MP4 and the poster. Nothing runs here."""

from collections.abc import Sequence

from media_svc.sandbox.containers import DEMUXER_OPTIONS, DEMUXERS
from media_svc.sandbox.film_limits import MAX_PIXELS
from media_svc.sandbox.limited_process import ProcessLimits
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.videos.filters import poster_filters, rung_filters
from media_svc.videos.rules import SEGMENT_SECONDS, Film, RungPlan

PLAYLIST_NAME, INIT_NAME, SEGMENT_PATTERN = "index.m3u8", "init.mp4", "%05d.m4s"
# A rung's segments, concatenated.
JOINED_NAME, MP4_NAME = "joined.mp4", "video.mp4"
POSTER_NAME, POSTER_SIDE = "poster.png", 1440
# When the poster is taken: many films begin dark.
_POSTER_SECOND = 1.0

# 10-bit 4K takes 1.5 GB of address space with two threads.
_MEMORY_BYTES = 3 * 1024**3
# A second of 4K at 60 frames per second takes about 3 s of CPU to become 1080p. The rest is for slow machines and rare codecs.
_CPU_SECONDS_PER_SECOND, _CPU_SECONDS = 12, 60
_WALL_FACTOR = 8
# Photos have priority over films.
_NICENESS = 10
THREADS = "2"


def limits_for(film_seconds: float) -> ProcessLimits:
    """Return the limits of one ffmpeg run over a film."""
    cpu_seconds = _CPU_SECONDS + round(film_seconds * _CPU_SECONDS_PER_SECOND)
    return ProcessLimits(_MEMORY_BYTES, cpu_seconds, cpu_seconds * _WALL_FACTOR, niceness=_NICENESS)


def rung_arguments(film: Film, rung: RungPlan) -> Sequence[str]:
    """Return the arguments for a rung in the folder `{side}p`: playlist, init segment and segments.

    All rungs have frames at the same times, and start segments with keyframes at the same frames.
    """
    out = folder_of(rung)
    return (
        *_input(film.content_type),
        *_streams(film),
        *("-t", f"{film.duration_ms / 1000:.3f}"),
        *("-vf", rung_filters(film, rung)),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-threads", THREADS, "-crf", "23"),
        *("-maxrate", str(rung.video_bits), "-bufsize", str(rung.video_bits * 2)),
        # Keyframes only where segments begin.
        *("-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})", "-g", "9999", "-sc_threshold", "0"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
        *("-c:a", "aac", "-b:a", str(rung.audio_bits), "-ac", "2", "-ar", "48000"),
        # Keep sound that starts late or has gaps in sync.
        *("-af", "aresample=async=1:first_pts=0"),
        *_CLEAN,
        *("-flags:v", "+cgop+bitexact"),
        *("-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod"),
        *("-hls_flags", "independent_segments", "-hls_segment_type", "fmp4"),
        *("-hls_fmp4_init_filename", INIT_NAME, "-hls_segment_filename", f"{out}/{SEGMENT_PATTERN}"),
        f"{out}/{PLAYLIST_NAME}",
    )


def mp4_arguments() -> Sequence[str]:
    """Return the arguments for an MP4 with its index first from a rung's joined segments, without re-encoding."""
    return (
        *("-protocol_whitelist", "file", "-f", "mov", "-i", JOINED_NAME),
        *("-map", "0", "-c", "copy", *_CLEAN, "-movflags", "+faststart", "-f", "mp4", MP4_NAME),
    )


def poster_arguments(film: Film, *, is_first: bool) -> Sequence[str]:
    """Return the arguments for a PNG of the first frame or a later one, at most POSTER_SIDE wide."""
    second = 0.0 if is_first else min(_POSTER_SECOND, film.duration_ms / 2000)
    width = min(film.width, POSTER_SIDE)
    height = max(1, round(film.height * width / film.width))
    return (
        *("-ss", f"{second:.3f}", *_input(film.content_type)),
        *("-map", f"0:{film.video_stream}", "-frames:v", "1", *_CLEAN),
        *("-vf", poster_filters(film, width, height)),
        *("-f", "image2", "-update", "1", POSTER_NAME),
    )


def folder_of(rung: RungPlan) -> str:
    """Return the folder in which a rung is made."""
    return f"{rung.side}p"


# Drop place, time, camera, chapters, subtitles and data.
_CLEAN = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:a", "+bitexact")


def _input(content_type: str) -> Sequence[str]:
    """Return the options that open the original with one demuxer, only as a local file."""
    demuxer = DEMUXERS[content_type]
    options = [part for name, value in DEMUXER_OPTIONS[demuxer].items() for part in (f"-{name}", value)]
    return (
        *("-protocol_whitelist", "file", "-f", demuxer, *options),
        *("-max_pixels", str(MAX_PIXELS), "-max_error_rate", "0.2", "-threads", THREADS),
        *("-i", ORIGINAL_NAME),
    )


def _streams(film: Film) -> Sequence[str]:
    sound = () if film.audio_stream is None else ("-map", f"0:{film.audio_stream}")
    return ("-map", f"0:{film.video_stream}", *sound)
