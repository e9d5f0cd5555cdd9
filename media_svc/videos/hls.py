"""HLS (RFC 8216): the segments of a finished rung, and the master playlist.

Playlists use relative names, so that media can move to another host.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from media_svc.model import FailureReason, MediaRejectedError, Rung
from media_svc.videos.transcode import INIT_NAME, PLAYLIST_NAME

MASTER_NAME = "master.m3u8"
PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_TYPE = "video/mp4"
_SEGMENT = re.compile(r"^#EXTINF:([0-9]+(?:\.[0-9]+)?),\n([0-9]{5}\.m4s)$", re.MULTILINE)
_AAC_LC = "mp4a.40.2"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a rung that plays on its own after the init segment."""

    path: Path
    seconds: float
    size_bytes: int


def read_segments(folder: Path) -> tuple[Segment, ...]:
    """Return the segments in a rung's playlist, in order. Raises MediaRejectedError if there are none."""
    found = _SEGMENT.findall((folder / PLAYLIST_NAME).read_text())
    if not found:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The film has no frames that can be decoded.")
    return tuple(Segment(folder / name, float(seconds), (folder / name).stat().st_size) for seconds, name in found)


def bandwidths(segments: Sequence[Segment]) -> tuple[int, int]:
    """Return a rung's peak and average bits per second, measured on its segments."""
    # A last segment of a few frames says little about the network load.
    long = [each for each in segments if each.seconds >= 1] or segments
    peak = max(each.size_bytes * 8 / each.seconds for each in long)
    average = sum(each.size_bytes for each in segments) * 8 / sum(each.seconds for each in segments)
    return round(max(peak, average)), round(average)


def codecs_of(folder: Path, *, has_sound: bool) -> str:
    """Return a rung's codecs as in RFC 6381, with the H.264 profile and level of its init segment."""
    init = (folder / INIT_NAME).read_bytes()
    # After the box's name and a version come profile, constraints and level.
    at = init.index(b"avcC") + 5
    video = f"avc1.{init[at : at + 3].hex()}"
    return f"{video},{_AAC_LC}" if has_sound else video


def master_playlist(rungs: Sequence[Rung]) -> str:
    """Return the master playlist, lowest rung first: players start with the first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rung in rungs:
        lines += (_stream_line(rung), rung.playlist.partition("/")[2])
    return "\n".join((*lines, ""))


def _stream_line(rung: Rung) -> str:
    facts = (
        f"BANDWIDTH={rung.bandwidth}",
        f"AVERAGE-BANDWIDTH={rung.average_bandwidth}",
        f"RESOLUTION={rung.width}x{rung.height}",
        f"FRAME-RATE={rung.frame_rate:.3f}",
        f'CODECS="{rung.codecs}"',
    )
    return f"#EXT-X-STREAM-INF:{','.join(facts)}"
