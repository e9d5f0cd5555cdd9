"""`python -m media_svc.sandbox.probe_process FOLDER CONTENT_TYPE`: find out what a film is, and exit.

It runs within limits because it reads untrusted bytes. It reads FOLDER/original and writes a manifest next to it. The exit
code is 0 whenever there is a manifest, even if that reports a failure.

Header values are not trusted: frames are counted, and times come from the packets. Only the demuxer for the detected type
runs, and it may open no other file.
"""

import sys
import traceback
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.containers import DEMUXER_OPTIONS, DEMUXERS, require_complete
from media_svc.sandbox.film_limits import GRACE_SECONDS, MAX_FRAMES, MAX_PIXELS, MAX_SECONDS, MAX_SIDE, shown_frame_rate
from media_svc.sandbox.film_manifest import PROBE_NAME, FilmEntry, ProbeManifest
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME, FailureEntry
from media_svc.sandbox.sniff import HEAD_BYTES, require_type

# What phones, cameras and browsers write. A decoder that is never used cannot be attacked.
VIDEO_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "prores", "mjpeg"})
AUDIO_CODECS = frozenset({"aac", "alac", "ac3", "amrnb", "eac3", "flac", "mp3", "mp3float", "opus", "vorbis", "amr_nb"})
_QUARTER_TURNS = (90, 270)


def main(folder: Path, content_type: str) -> None:
    """Probe FOLDER/original."""
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
    stream = _video_of(container)
    _check_size(stream.codec_context.width, stream.codec_context.height)
    duration, frames = _measure(container, stream)
    container.seek(0)
    width, height = _shown_size(stream, _first_frame(container, stream))
    _check_size(width, height)
    rate = shown_frame_rate(frames / duration, stream.guessed_rate)
    return FilmEntry(
        width=width,
        height=height,
        duration_ms=max(1, round(duration * 1000)),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
        video_stream=stream.index,
        audio_stream=_audio_of(container),
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


def _audio_of(container: InputContainer) -> int | None:
    """Return the index of the first audio stream that can be decoded. Phones add others that only they understand."""
    for stream in container.streams.audio:
        name = _codec_of(stream)
        if name in AUDIO_CODECS or name.startswith("pcm_"):
            return stream.index
    return None


def _codec_of(stream: VideoStream | AudioStream) -> str:
    """Return the name of a stream's decoder, or "" if there is none (the library's types miss that case)."""
    context: object = stream.codec_context
    return str(getattr(context, "name", ""))


def _measure(container: InputContainer, stream: VideoStream) -> tuple[Fraction, int]:
    """Return the length in seconds and the number of frames, from all video packets."""
    first, last, frames = None, Fraction(0), 0
    for packet in container.demux(stream):
        if packet.pts is None or packet.time_base is None:
            continue
        frames += 1
        begins = packet.pts * packet.time_base
        first = begins if first is None else min(first, begins)
        last = max(last, begins + (packet.duration or 0) * packet.time_base)
        if frames > MAX_FRAMES:
            _refuse(f"It has more than the allowed {MAX_FRAMES:,} frames.")
        if last - first > MAX_SECONDS + GRACE_SECONDS:
            _refuse(f"It is longer than the allowed {MAX_SECONDS // 60} minutes.")
    if first is None:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file has no video.")
    return max(last - first, Fraction(1, 100)), frames


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    for frame in container.decode(stream):
        return frame
    raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file has no frame that can be decoded.")


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
        _refuse(
            f"Its frames have {width} x {height} pixels; {MAX_PIXELS:,} in total and {MAX_SIDE:,} per side are allowed."
        )


def _refuse(message: str) -> NoReturn:
    raise MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
