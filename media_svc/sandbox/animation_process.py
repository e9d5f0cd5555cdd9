"""`python -m media_svc.sandbox.animation_process FOLDER CONTENT_TYPE`: turn an animated picture into a silent film, and exit.

It runs limited and confined because it reads untrusted bytes. It reads FOLDER/original and writes FOLDER/animation.mp4,
almost without loss, with every frame at its own time, and a manifest. The exit code is 0 whenever there is a manifest, even if
that reports a failure.
"""

import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageSequence

from media_svc.confinement.confine import confine
from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.film_limits import MAX_PIXELS, MAX_SIDE
from media_svc.sandbox.film_manifest import ANIMATION_NAME, PROBE_NAME, ProbeManifest
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME, FailureEntry
from media_svc.sandbox.sniff import HEAD_BYTES, require_type

# A minute at 50 frames per second; and 1,000 frames of a megapixel.
MAX_ANIMATION_FRAMES = 3_000
MAX_ANIMATION_PIXELS = 1_000_000_000
# Browsers show frames that state at most the first for the second.
_SHORTEST_MS, _DEFAULT_MS = 10, 100
_MILLISECONDS = Fraction(1, 1000)
_BT709 = 1
_WHITE = (255, 255, 255, 255)


def main(folder: Path, content_type: str) -> None:
    """Convert FOLDER/original."""
    confine(folder)
    try:
        convert(folder / ORIGINAL_NAME, content_type, folder / ANIMATION_NAME)
        manifest = ProbeManifest()
    except MediaRejectedError as error:
        # The decoder's message goes to the log, never to the client.
        traceback.print_exception(error)
        failure = FailureEntry(reason=error.failure.reason, message=error.failure.message)
        manifest = ProbeManifest(failure=failure)
    (folder / PROBE_NAME).write_text(manifest.model_dump_json())


def convert(original: Path, content_type: str, target: Path) -> None:
    """Write an animated picture as a film. Raises MediaRejectedError."""
    with original.open("rb") as file:
        require_type(file.read(HEAD_BYTES), content_type)
    try:
        with Image.open(original, formats=[content_type.removeprefix("image/").upper()]) as picture:
            _check_size(picture)
            _write(picture, target)
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, Image.DecompressionBombError) as error:
        raise MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.") from error


def _check_size(picture: Image.Image) -> None:
    pixels, frames = picture.width * picture.height, getattr(picture, "n_frames", 1)
    if pixels > MAX_PIXELS or max(picture.size) > MAX_SIDE:
        _refuse(f"It has {picture.width} x {picture.height} pixels; {MAX_PIXELS:,} are allowed if it is animated.")
    if frames > MAX_ANIMATION_FRAMES:
        _refuse(f"It has {frames:,} frames; {MAX_ANIMATION_FRAMES:,} are allowed.")
    if pixels * frames > MAX_ANIMATION_PIXELS:
        _refuse(f"It has {pixels * frames:,} pixels in all frames; {MAX_ANIMATION_PIXELS:,} are allowed.")


def _refuse(message: str) -> None:
    raise MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, message)


def _write(picture: Image.Image, target: Path) -> None:
    with av.open(str(target), "w", format="mp4") as film:
        # Without B-frames, packets come in the order of frames.
        stream = film.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "4", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuv444p"
        stream.codec_context.time_base = _MILLISECONDS
        stream.codec_context.colorspace = stream.codec_context.color_primaries = stream.codec_context.color_trc = _BT709
        durations: dict[int, int] = {}
        for image, duration in _frames(picture):
            frame = _frame_of(image)
            frame.pts, frame.time_base = sum(durations.values()), _MILLISECONDS
            durations[frame.pts] = duration
            _mux(film, stream.encode(frame), durations)
        _mux(film, stream.encode(None), durations)


def _frame_of(image: Image.Image) -> av.VideoFrame:
    frame = av.VideoFrame(image.width, image.height, "rgb24")
    plane = frame.planes[0]
    padding = bytes(plane.line_size - image.width * 3)
    rows, width = image.tobytes(), image.width * 3
    plane.update(b"".join(rows[at : at + width] + padding for at in range(0, len(rows), width)))
    return frame.reformat(format="yuv444p", dst_colorspace="ITU709")


def _mux(film: OutputContainer, packets: "Iterable[av.Packet[VideoStream]]", durations: Mapping[int, int]) -> None:
    for packet in packets:
        packet.duration = durations[packet.pts or 0]
        film.mux(packet)


def _frames(picture: Image.Image) -> Iterator[tuple[Image.Image, int]]:
    """Yield each frame on white, and its milliseconds. An APNG's default image is not one of its frames."""
    skipped = 1 if getattr(picture, "default_image", False) else 0
    for number, frame in enumerate(ImageSequence.Iterator(picture)):
        if number < skipped:
            continue
        ground = Image.new("RGBA", picture.size, _WHITE)
        ground.alpha_composite(frame.convert("RGBA"))
        stated = int(frame.info.get("duration") or 0)
        yield ground.convert("RGB"), stated if stated > _SHORTEST_MS else _DEFAULT_MS


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
