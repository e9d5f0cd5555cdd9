"""Small films made with the real ffmpeg, and libav to look at the results."""

import io
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from media_svc.videos.ffmpeg import find_ffmpeg

_FFMPEG = find_ffmpeg(None)
_TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
_PLACE = ("-metadata", "location=+48.0000+011.0000/", "-metadata", "comment=somewhere-secret")
PLACE_WORDS = b"somewhere-secret"
# Red, green / blue, yellow.
_QUARTERS = (
    "color=red:s={w}x{h}:r=25[a];color=green:s={w}x{h}:r=25[b];color=blue:s={w}x{h}:r=25[c];color=yellow:s={w}x{h}:r=25[d];"
    "[a][b]hstack[t];[c][d]hstack[u];[t][u]vstack"
)


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg quietly. Raises if it fails."""
    subprocess.run([_FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], check=True)


def moving(path: Path, size: str, rate: str, seconds: float) -> Path:
    """Make a test film with sound and a location, in the container and codecs for the path's suffix."""
    source = ("-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}", *_TONE)
    codecs = _VP9 if path.suffix == ".webm" else _H264
    run_ffmpeg(*source, "-t", str(seconds), *codecs, *_PLACE, str(path))
    return path


def silent(path: Path, size: str, rate: str, seconds: float) -> Path:
    """Make a test film without sound."""
    run_ffmpeg("-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}", "-t", str(seconds), *_H264, str(path))
    return path


def rotated(path: Path, width: int, height: int, degrees: int) -> Path:
    """Make a four-colour film that phones would mark as rotated counterclockwise by `degrees`."""
    lying = path.with_stem(f"{path.stem}-lying")
    quarters = _QUARTERS.format(w=width // 2, h=height // 2)
    run_ffmpeg("-f", "lavfi", "-i", quarters, *_TONE, "-t", "2", *_H264, str(lying))
    run_ffmpeg("-display_rotation:v:0", str(degrees), "-i", str(lying), "-c", "copy", str(path))
    return path


def still(path: Path, size: str, rate: str, seconds: float) -> Path:
    """Make a film without motion, which is small at any length."""
    run_ffmpeg("-f", "lavfi", "-i", f"color=s={size}:r={rate}", "-t", str(seconds), *_H264, "-g", "100", str(path))
    return path


def sound(path: Path) -> Path:
    """Make a file with only sound."""
    run_ffmpeg(*_TONE, "-t", "1", "-c:a", "aac", str(path))
    return path


def index_first(path: Path) -> Path:
    """Move a film's index to its front, so that a truncated film still has it."""
    target = path.with_stem(f"{path.stem}-fast")
    run_ffmpeg("-i", str(path), "-c", "copy", "-movflags", "+faststart", str(target))
    return target


def zeroed(path: Path) -> bytes:
    """Return a film whose frames and sound are zeros, in an intact container."""
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 4
    length = int.from_bytes(content[at - 8 : at - 4], "big") - 8
    content[at : at + length] = bytes(length)
    return bytes(content)


@dataclass(frozen=True, slots=True)
class Variant:
    """A rung in the master playlist."""

    uri: str
    bandwidth: int
    average_bandwidth: int
    size: tuple[int, int]
    codecs: str
    frame_rate: float


def variants_of(master: str) -> list[Variant]:
    """Parse a master playlist."""
    assert master.startswith("#EXTM3U\n")
    lines = re.findall(
        r'#EXT-X-STREAM-INF:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),RESOLUTION=(\d+)x(\d+),FRAME-RATE=([\d.]+),CODECS="([^"]+)"'
        r"\n([^#\n]+)\n",
        master,
    )
    assert len(lines) == master.count("#EXT-X-STREAM-INF")
    return [
        Variant(uri, int(peak), int(average), (int(width), int(height)), codecs, float(rate))
        for peak, average, width, height, rate, codecs, uri in lines
    ]


def segments_of(playlist: str) -> list[tuple[float, str]]:
    """Parse a rung's playlist: the seconds and name of each segment."""
    assert playlist.rstrip().endswith("#EXT-X-ENDLIST")
    found = re.findall(r"#EXTINF:([\d.]+),\n([^#\n]+)\n", playlist)
    assert len(found) == playlist.count("#EXTINF")
    return [(float(seconds), name) for seconds, name in found]


@dataclass(frozen=True, slots=True)
class Played:
    """What a player sees of a file or segment. Times are in seconds."""

    size: tuple[int, int]
    frames: int
    first_time: float
    is_key_first: bool
    codecs: tuple[str, ...]
    pixel_format: str
    metadata: str


def play(content: bytes) -> Played:
    """Decode an MP4, or an init segment followed by a segment."""
    with av.open(io.BytesIO(content), "r", format="mov") as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        return Played(
            (frames[0].width, frames[0].height),
            len(frames),
            float(frames[0].time or 0),
            bool(frames[0].key_frame),
            tuple(each.codec_context.name for each in container.streams),
            frames[0].format.name,
            str(container.metadata),
        )


def play_url(url: str) -> dict[tuple[int, int], int]:
    """Play an HLS playlist over HTTP. Returns the number of frames for each size."""
    counted: dict[tuple[int, int], int] = {}
    with av.open(url, "r") as container:
        for frame in container.decode(*container.streams.video):
            size = (frame.width, frame.height)
            counted[size] = counted.get(size, 0) + 1
    return counted


def in_folder(folder: Path, original: bytes) -> Path:
    """Create a private folder with an original, as the worker does."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "original").write_bytes(original)
    return folder


def sizes_of(variants: Sequence[Variant]) -> list[tuple[int, int]]:
    """Return the sizes of rungs."""
    return [each.size for each in variants]
