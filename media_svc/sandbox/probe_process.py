"""`python -m media_svc.sandbox.probe_process FOLDER CONTENT_TYPE`: find out what a film is, and exit.

It runs limited and confined because it reads untrusted bytes. It reads FOLDER/original and writes a manifest next to it. The exit
code is 0 whenever there is a manifest, even if that reports a failure.

Header values are not trusted: frames are counted, and times come from the packets. Only the demuxer for the detected type
runs, and it may open no other file.
"""

import sys
import traceback
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media_svc.confinement.confine import confine
from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.containers import DEMUXER_OPTIONS, DEMUXERS, require_complete
from media_svc.sandbox.film_limits import MAX_PIXELS, MAX_SIDE, measured_frame_rate, shown_frame_rate
from media_svc.sandbox.film_manifest import PROBE_NAME, ColoursEntry, FilmEntry, ProbeManifest
from media_svc.sandbox.film_timing import measure
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME, FailureEntry
from media_svc.sandbox.sniff import HEAD_BYTES, require_type
from media_svc.sandbox.taken_at import taken_at_of_film

# What phones, cameras and browsers write. A decoder that is never used cannot be attacked.
VIDEO_CODECS = frozenset({"h263", "h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "prores", "mjpeg"})
AUDIO_CODECS = frozenset({"aac", "alac", "ac3", "amrnb", "eac3", "flac", "mp3", "mp3float", "opus", "vorbis", "amr_nb"})
_QUARTER_TURNS = (90, 270)
# Top or bottom field first, coded or displayed (AVFieldOrder).
_INTERLACED = range(2, 6)
# Enough to see a flag that a stream's header lacks.
_FRAMES_DECODED = 8


def main(folder: Path, content_type: str) -> None:
    """Probe FOLDER/original."""
    confine(folder)
    try:
        manifest = ProbeManifest(film=probe(folder / ORIGINAL_NAME, content_type))
    except MediaRejectedError as error:
        # The decoder's message goes to the log, never to the client.
        traceback.print_exception(error)
        failure = FailureEntry(reason=error.failure.reason, message=error.failure.message)
        manifest = ProbeManifest(failure=failure)
    (folder / PROBE_NAME).write_text(manifest.model_dump_json())


def probe(original: Path, content_type: str) -> FilmEntry:
    """Return the properties of a film. Raises MediaRejectedError."""
    with original.open("rb") as file:
        require_type(file.read(HEAD_BYTES), content_type)
    require_complete(original, content_type)
    demuxer = DEMUXERS[content_type]
    options = DEMUXER_OPTIONS[demuxer] | {"protocol_whitelist": "file"}
    try:
        with av.open(str(original), format=demuxer, options=options) as container:
            return _describe(container)
    except (av.FFmpegError, ValueError, UnicodeDecodeError) as error:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.") from error


def _describe(container: InputContainer) -> FilmEntry:
    video, audio = _video_of(container), _audio_of(container)
    _check_size(video.codec_context.width, video.codec_context.height)
    timing = measure(container, video, audio)
    container.seek(0)
    frames = _first_frames(container, video)
    width, height = _shown_size(video, frames[0])
    _check_size(width, height)
    rate = shown_frame_rate(measured_frame_rate(timing.average_rate, timing.fast_rate), video.guessed_rate)
    taken_at = taken_at_of_film(container.metadata)
    return FilmEntry(
        width=width,
        height=height,
        duration_ms=max(1, round(timing.seconds * 1000)),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
        video_stream=video.index,
        audio_stream=audio.index if audio and timing.has_sound else None,
        colours=_colours_of(frames[0]),
        is_interlaced=_is_interlaced(video, frames),
        taken_at=taken_at.local,
        taken_at_offset=taken_at.offset,
    )


def _video_of(container: InputContainer) -> VideoStream:
    """Return the first video stream that is not cover art."""
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if _codec_of(stream) in VIDEO_CODECS:
            return stream
        break
    raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file has no video that can be decoded.")


def _audio_of(container: InputContainer) -> AudioStream | None:
    """Return the first audio stream that can be decoded. Phones add others that only they understand."""
    for stream in container.streams.audio:
        name = _codec_of(stream)
        if name in AUDIO_CODECS or name.startswith("pcm_"):
            return stream
    return None


def _codec_of(stream: VideoStream | AudioStream) -> str:
    """Return the name of a stream's decoder, or "" if there is none (the library's types miss that case)."""
    context: object = stream.codec_context
    return str(getattr(context, "name", ""))


def _first_frames(container: InputContainer, stream: VideoStream) -> list[VideoFrame]:
    """Decode the first frames that are shown: the earlier ones of a trimmed film are not."""
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    frames = list(islice(container.decode(stream), _FRAMES_DECODED))
    if not frames:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file has no frame that can be decoded.")
    return frames


def _colours_of(frame: VideoFrame) -> ColoursEntry:
    return ColoursEntry(primaries=frame.color_primaries, transfer=frame.color_trc, matrix=frame.colorspace)


def _is_interlaced(stream: VideoStream, frames: Sequence[VideoFrame]) -> bool:
    return stream.codec_context.field_order in _INTERLACED or any(each.interlaced_frame for each in frames)


def _shown_size(stream: VideoStream, frame: VideoFrame) -> tuple[int, int]:
    """Return width and height as shown: with square pixels, after rotation."""
    width, height = frame.width, frame.height
    if (ratio := stream.sample_aspect_ratio) and ratio > 0:
        width = max(1, round(width * ratio))
    is_turned = frame.rotation % 360 in _QUARTER_TURNS
    return (height, width) if is_turned else (width, height)


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "Its frames have no size.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        limits = f"{MAX_PIXELS:,} in total and {MAX_SIDE:,} per side are allowed"
        message = f"Its frames have {width} x {height} pixels; {limits}."
        raise MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
