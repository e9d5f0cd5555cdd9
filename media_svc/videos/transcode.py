"""What ffmpeg is asked for: a rung of segments, one file of a rung, a picture of the film. Arguments only, nothing runs here."""

from collections.abc import Sequence

from media_svc.sandbox.containers import DEMUXER_OPTIONS, DEMUXERS
from media_svc.sandbox.film_limits import MAX_PIXELS
from media_svc.sandbox.limited_process import ProcessLimits
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.videos.rules import SEGMENT_SECONDS, Film, RungPlan

PLAYLIST_NAME, INIT_NAME, SEGMENT_PATTERN = "index.m3u8", "init.mp4", "%05d.m4s"
# A rung's segments, joined.
JOINED_NAME, MP4_NAME = "joined.mp4", "video.mp4"
POSTER_NAME, POSTER_SIDE = "poster.png", 1440
# Where a film's own picture is taken: many begin in the dark.
_POSTER_SECOND = 1.0

# 4K of ten bits takes 1.5 GB of address space with two threads.
_MEMORY_BYTES = 3 * 1024**3
# For a second of film, 60 frames of 4K in and 1080 lines out take some 3 s of CPU; the rest is for slow machines and odd codecs.
_CPU_SECONDS_PER_SECOND, _CPU_SECONDS = 12, 60
_WALL_FACTOR = 8
# Photos go first: what only a film waits for yields.
_NICENESS = 10
THREADS = "2"


def limits_for(film_seconds: float) -> ProcessLimits:
    """Return what one run over a film may take."""
    cpu_seconds = _CPU_SECONDS + round(film_seconds * _CPU_SECONDS_PER_SECOND)
    return ProcessLimits(_MEMORY_BYTES, cpu_seconds, cpu_seconds * _WALL_FACTOR, niceness=_NICENESS)


def rung_arguments(content_type: str, film: Film, rung: RungPlan) -> Sequence[str]:
    """Return how to make a rung in the folder `side`p beside the original: playlist, init segment and segments.

    Every rung has its frames at the same times, and begins a segment, with a keyframe, at the same frames.
    """
    out = folder_of(rung)
    return (
        *_input(content_type),
        *_streams(film),
        *("-t", f"{film.duration_ms / 1000:.3f}"),
        *("-vf", _filters(film, rung)),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-threads", THREADS, "-crf", "23"),
        *("-maxrate", str(rung.video_bits), "-bufsize", str(rung.video_bits * 2)),
        # Keyframes where segments begin, and nowhere else.
        *("-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})", "-g", "9999", "-sc_threshold", "0"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
        *("-c:a", "aac", "-b:a", str(rung.audio_bits), "-ac", "2", "-ar", "48000"),
        # Sound that begins late, or has holes, stays with the picture.
        *("-af", "aresample=async=1:first_pts=0"),
        *_CLEAN,
        *("-flags:v", "+cgop+bitexact"),
        *("-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod"),
        *("-hls_flags", "independent_segments", "-hls_segment_type", "fmp4"),
        *("-hls_fmp4_init_filename", INIT_NAME, "-hls_segment_filename", f"{out}/{SEGMENT_PATTERN}"),
        f"{out}/{PLAYLIST_NAME}",
    )


def mp4_arguments() -> Sequence[str]:
    """Return how to make one MP4, its index in front, of a rung's joined segments. Nothing is encoded again."""
    return (
        *("-protocol_whitelist", "file", "-f", "mov", "-i", JOINED_NAME),
        *("-map", "0", "-c", "copy", *_CLEAN, "-movflags", "+faststart", "-f", "mp4", MP4_NAME),
    )


def poster_arguments(content_type: str, film: Film, *, is_first: bool) -> Sequence[str]:
    """Return how to take the film's picture, a PNG of at most POSTER_SIDE across: its first frame, or one after that."""
    second = 0.0 if is_first else min(_POSTER_SECOND, film.duration_ms / 2000)
    width = min(film.width, POSTER_SIDE)
    height = max(1, round(film.height * width / film.width))
    return (
        *("-ss", f"{second:.3f}", *_input(content_type)),
        *("-map", f"0:{film.video_stream}", "-frames:v", "1", *_CLEAN),
        *("-vf", f"scale={width}:{height}:flags=bicubic,setsar=1,format=rgb24"),
        *("-f", "image2", "-update", "1", POSTER_NAME),
    )


def folder_of(rung: RungPlan) -> str:
    """Return the folder in which a rung is made."""
    return f"{rung.side}p"


# Nothing that tells where, when or with what it was filmed; no chapters, subtitles or data either.
_CLEAN = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:a", "+bitexact")


def _input(content_type: str) -> Sequence[str]:
    """Open the original by one demuxer, which may open nothing but files, and follow no reference to any."""
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


def _filters(film: Film, rung: RungPlan) -> str:
    rate = f"{film.frame_rate.numerator}/{film.frame_rate.denominator}"
    return (
        f"fps={rate}:start_time=0,scale={rung.width}:{rung.height}:flags=bicubic:out_color_matrix=bt709:out_range=tv,"
        "setsar=1,format=yuv420p"
    )
