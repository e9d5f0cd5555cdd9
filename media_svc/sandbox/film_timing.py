"""Measure a film's length, frames and frame rate from its packets. Runs in the probe process only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.film_limits import GRACE_SECONDS, MAX_FRAMES, MAX_SECONDS

_SHORTEST = Fraction(1, 100)


@dataclass(slots=True)
class FilmTiming:
    """The shown part of a film, in seconds. A trimmed file has packets before it, which its edit list hides."""

    origin: Fraction
    end: Fraction
    has_sound: bool = False
    # When each shown frame begins, in file order.
    frames: list[Fraction] = field(default_factory=list)

    @property
    def seconds(self) -> Fraction:
        """The length, from the earliest frame or sound to the end of the last frame."""
        return max(self.end - self.origin, _SHORTEST)

    @property
    def average_rate(self) -> Fraction:
        """Frames per second, from the first frame to the end of the last."""
        return len(self.frames) / max(self.end - min(self.frames), _SHORTEST)

    @property
    def fast_rate(self) -> Fraction:
        """Frames per second in the fastest tenth of the film. Two intervals are averaged, as browsers' times jitter."""
        frames = sorted(self.frames)
        intervals = sorted((later - frame) / 2 for frame, later in zip(frames, frames[2:], strict=False))
        shortest = intervals[len(intervals) // 10] if intervals else Fraction(0)
        return 1 / shortest if shortest > 0 else self.average_rate


def measure(container: InputContainer, video: VideoStream, audio: AudioStream | None) -> FilmTiming:
    """Return the timing of a film. Raises MediaRejectedError if it is too long or shows no frame."""
    start = Fraction(container.start_time or 0, av.time_base)
    timing = FilmTiming(start, start)
    packets = 0
    for packet in container.demux(*_present(video, audio)):
        if packet.pts is None or packet.time_base is None:
            continue
        packets += packet.stream is video
        if packets > MAX_FRAMES:
            _refuse(f"It has more than the allowed {MAX_FRAMES:,} frames.")
        if not packet.is_discard:
            _add(timing, packet, is_frame=packet.stream is video)
    if not timing.frames:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file has no video.")
    return timing


def _present(video: VideoStream, audio: AudioStream | None) -> Sequence[VideoStream | AudioStream]:
    return (video,) if audio is None else (video, audio)


def _add(timing: FilmTiming, packet: "Packet[Stream]", *, is_frame: bool) -> None:
    if not is_frame:
        timing.has_sound = timing.has_sound or packet.size > 0
        return
    time_base = Fraction(packet.time_base or 0)
    begin = (packet.pts or 0) * time_base
    timing.frames.append(begin)
    timing.origin = min(timing.origin, begin)
    timing.end = max(timing.end, begin + (packet.duration or 0) * time_base)
    if timing.seconds > MAX_SECONDS + GRACE_SECONDS:
        _refuse(f"It is longer than the allowed {MAX_SECONDS // 60} minutes.")


def _refuse(message: str) -> NoReturn:
    raise MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)
