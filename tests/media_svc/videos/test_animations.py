"""Tests of animated pictures, which become muted films that are played in a loop."""

import asyncio
import io
from pathlib import Path

import av
import httpx
import pytest
from lensfeed.media.v1 import media_pb2
from PIL import Image

from media_svc.model import AnimatedPictureError, FailureReason, MediaRejectedError
from media_svc.sandbox import animation_process
from media_svc.videos.probe_video import probe_video
from media_svc.videos.unpack_animation import FILM_TYPE, unpack_animation
from post_svc.manifests import medium_of, post_of
from tests.media_svc import films, pictures
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, new_user
from tests.media_svc.pictures import near

pytestmark = pytest.mark.slow

# The store makes no difference to films.
STORES = ("sqlite",)
COLOURS = ((200, 60, 40), (30, 90, 180), (20, 160, 60))
DURATIONS = (100, 200, 500)
FORMATS = {"image/gif": "GIF", "image/webp": "WEBP", "image/png": "PNG", "image/avif": "AVIF"}


def animation(content_type: str, size: tuple[int, int] = (321, 241), durations: tuple[int, ...] = DURATIONS) -> bytes:
    """Return an animation of a frame of each colour, in turn."""
    frames = [Image.new("RGB", size, COLOURS[number % len(COLOURS)]) for number in range(len(durations))]
    file = io.BytesIO()
    frames[0].save(
        file, FORMATS[content_type], save_all=True, append_images=frames[1:], duration=list(durations), loop=0
    )
    return file.getvalue()


def long_gif(size: tuple[int, int], frames: int) -> bytes:
    """Return a GIF whose first two frames are followed by copies of the second, as compressing each takes long."""
    two = animation("image/gif", size, (100, 100))
    second = two.rindex(b"\x21\xf9\x04")  # its graphic control extension
    return two[:second] + two[second:-1] * (frames - 1) + two[-1:]


async def _refused(folder: Path, original: bytes, content_type: str) -> FailureReason:
    with pytest.raises(MediaRejectedError) as caught:
        await unpack_animation(films.in_folder(folder, original), content_type)
    return caught.value.failure.reason


def _shown(film: Path) -> list[tuple[float, pictures.Colour]]:
    """Return when each frame begins, in seconds, and its colour."""
    with av.open(str(film)) as container:
        shown = []
        for frame in container.decode(video=0):
            plane = frame.reformat(format="rgb24").planes[0]
            at = plane.line_size * (frame.height // 2) + frame.width // 2 * 3
            red, green, blue = bytes(plane)[at : at + 3]
            shown.append((round(float(frame.time or 0), 3), (red, green, blue)))
        return shown


@pytest.mark.parametrize("content_type", FORMATS)
async def test_unpacked(tmp_path: Path, content_type: str) -> None:
    """Each type becomes a film with every frame at its own time, in its own colour, for its whole length."""
    folder = films.in_folder(tmp_path / "work", animation(content_type))
    await unpack_animation(folder, content_type)
    times, colours = zip(*_shown(folder / "original"), strict=True)
    assert times == (0, 0.1, 0.3)
    assert all(near(one, other, 6) for one, other in zip(colours, COLOURS, strict=True))
    film = await probe_video(folder, FILM_TYPE)
    assert (film.width, film.height, film.duration_ms, film.audio_stream) == (321, 241, 800, None)


@pytest.mark.parametrize("content_type", FORMATS)
async def test_detected(tmp_path: Path, content_type: str) -> None:
    """The renderer of photos tells an animated picture from a still one."""
    with pytest.raises(AnimatedPictureError):
        await pictures.rendered(tmp_path, animation(content_type), content_type)


async def test_still_gif(tmp_path: Path) -> None:
    """A GIF of one frame is a photo."""
    file = io.BytesIO()
    pictures.quarters().save(file, "GIF")
    made = await pictures.rendered(tmp_path, file.getvalue(), "image/gif")
    expected = [pictures.RED, pictures.GREEN, pictures.BLUE, pictures.YELLOW]
    for picture in pictures.opened(made):
        assert all(near(*pair) for pair in zip(pictures.corner_colours(picture), expected, strict=True))


async def test_transparency_is_white(tmp_path: Path) -> None:
    """What is transparent becomes white, and each frame is complete even if the file stores only changes."""
    frames = [Image.new("RGBA", (64, 64), (255, 0, 0, alpha)) for alpha in (255, 0)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=100, disposal=1)
    folder = films.in_folder(tmp_path / "work", file.getvalue())
    await unpack_animation(folder, "image/png")
    assert near(_shown(folder / "original")[1][1], (255, 255, 255), 6)


async def test_unstated_durations(tmp_path: Path) -> None:
    """Frames that state hardly any duration are shown for a tenth of a second, as in browsers."""
    folder = films.in_folder(tmp_path / "work", animation("image/gif", durations=(0, 10, 20)))
    await unpack_animation(folder, "image/gif")
    assert [time for time, _ in _shown(folder / "original")] == [0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("size", "frames"),
    [((8, 8), animation_process.MAX_ANIMATION_FRAMES + 1), ((3000, 2000), 170), ((4200, 40), 2)],
    ids=["frames", "pixels of all frames", "width"],
)
async def test_too_much(tmp_path: Path, size: tuple[int, int], frames: int) -> None:
    """Too many frames, pixels in all frames, or pixels across are refused."""
    assert await _refused(tmp_path / "work", long_gif(size, frames), "image/gif") is FailureReason.MEDIA_TOO_LARGE


@pytest.mark.parametrize("content_type", FORMATS)
async def test_truncated(tmp_path: Path, content_type: str) -> None:
    """A truncated animation is refused."""
    original = animation(content_type)
    assert await _refused(tmp_path / "work", original[: len(original) * 2 // 3], content_type)


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("content_type", ["image/gif", "image/webp"])
async def test_animation(app: MediaApp, content_type: str) -> None:
    """An animated picture becomes a looping video with a poster, and posts learn that it loops."""
    owner = new_user()
    media_id = await app.upload(owner, content_type, animation(content_type))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (media := await app.settled(owner, media_id)).progress_percent < 100:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.1)
    assert (media.state, media.kind) == (media_pb2.MEDIA_STATE_READY, media_pb2.MEDIA_KIND_VIDEO)
    assert media.is_looping
    assert (media.width, media.height, media.duration_ms) == (321, 241, 800)
    *poster, mp4 = media.renditions
    assert {each.content_type for each in poster} == {"image/avif", "image/webp", "image/jpeg"}
    playlist = await app.http.get(media.hls_url)
    assert playlist.status_code == httpx.codes.OK
    assert "mp4a" not in playlist.text
    played = films.play((await app.http.get(mp4.url)).content)
    assert played.codecs == ("h264",)
    ready = next(event for event in await app.events_of(media_id) if event.HasField("media_ready"))
    (in_post,) = post_of(medium_of(ready.media_ready.media).encoded).media
    assert in_post.is_looping
    assert in_post.kind == media_pb2.MEDIA_KIND_VIDEO
