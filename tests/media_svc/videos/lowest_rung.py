"""Process a film's lowest rung as the worker does, and look at the result."""

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image

from media_svc.videos.ffmpeg import Ffmpeg, find_ffmpeg
from media_svc.videos.make_rung import make_mp4, make_poster, make_rung
from media_svc.videos.probe_video import probe_video
from media_svc.videos.rules import Film, plan_rungs
from tests.media_svc import films, pictures

_MIDDLE = 2


@dataclass(frozen=True, slots=True)
class LowestRung:
    """A film's lowest rung as one MP4, its codecs in the master playlist, and its poster."""

    film: Film
    codecs: str
    mp4: bytes
    poster: bytes

    def frames(self) -> list[Image.Image]:
        """Decode all frames."""
        with av.open(io.BytesIO(self.mp4), "r", format="mov") as container:
            return [_image_of(frame) for frame in container.decode(video=0)]

    def colours(self) -> tuple[pictures.Colour, pictures.Colour]:
        """Return the colour in the centre of the first frame and of the poster."""
        return _centre(self.frames()[0]), _centre(Image.open(io.BytesIO(self.poster)))


async def lowest_rung(folder: Path, original: Path, content_type: str = "video/mp4") -> LowestRung:
    """Probe a film, and make its lowest rung and poster."""
    films.in_folder(folder, await asyncio.to_thread(original.read_bytes))
    film = await probe_video(folder, content_type)
    ffmpeg, plan = Ffmpeg(find_ffmpeg(None)), plan_rungs(film)[0]
    made = await make_rung(ffmpeg, folder, film, plan, _ignore)
    mp4 = await make_mp4(ffmpeg, folder, film, plan)
    poster = await make_poster(ffmpeg, folder, film)
    return LowestRung(film, made.rung.codecs, mp4.read_bytes(), (poster / "original").read_bytes())


async def _ignore(seconds: float) -> None:
    """Ignore progress."""


def _image_of(frame: av.VideoFrame) -> Image.Image:
    rows = frame.reformat(format="rgb24").planes[0]
    return Image.frombytes("RGB", (frame.width, frame.height), bytes(rows), "raw", "RGB", rows.line_size)


def _centre(picture: Image.Image) -> pictures.Colour:
    return pictures.pixel(picture, picture.width // _MIDDLE, picture.height // _MIDDLE)
