"""Tests of making rungs from real films with the real ffmpeg."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from media_svc.videos.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from media_svc.videos.make_rung import MadeRung, make_mp4, make_poster, make_rung
from media_svc.videos.probe_video import probe_video
from media_svc.videos.rules import Film, plan_rungs
from tests.media_svc import films, pictures
from tests.media_svc.films import play

pytestmark = pytest.mark.slow

MP4, MOV, WEBM = "video/mp4", "video/quicktime", "video/webm"


class Rungs:
    """All rungs of a film, made in a folder."""

    def __init__(self, folder: Path, film: Film, rungs: list[MadeRung], seconds: list[float]) -> None:
        self.folder = folder
        self.film = film
        self.rungs = rungs
        self.seconds = seconds

    def playlist(self, rung: int) -> list[tuple[float, str]]:
        """Return a rung's segments: seconds and name."""
        return films.segments_of(self.rungs[rung].files[0].path.read_text())

    def segments(self, rung: int) -> list[bytes]:
        """Return a rung's segments, each after the init segment."""
        init, *rest = (each.path.read_bytes() for each in self.rungs[rung].files[1:])
        return [init + segment for segment in rest]


async def _made(folder: Path, original: Path, content_type: str) -> Rungs:
    films.in_folder(folder, await asyncio.to_thread(original.read_bytes))
    film = await probe_video(folder, content_type)
    seconds: list[float] = []

    async def on_seconds(value: float) -> None:
        seconds.append(value)

    ffmpeg = Ffmpeg(find_ffmpeg(None))
    rungs = [await make_rung(ffmpeg, folder, film, plan, on_seconds) for plan in plan_rungs(film)]
    return Rungs(folder, film, rungs, seconds)


@pytest.mark.parametrize(
    ("make", "content_type", "size", "seconds", "rate"),
    [
        (lambda folder: films.moving(folder / "a.mp4", "854x480", "30000/1001", 9), MP4, (854, 480), 9, 29.97),
        (lambda folder: films.moving(folder / "a.mov", "500x500", "25", 5), MOV, (500, 500), 5, 25),
        (lambda folder: films.moving(folder / "a.webm", "321x241", "30", 5), WEBM, (321, 241), 5, 30),
    ],
    ids=["mp4", "mov", "webm"],
)
async def test_rungs(
    tmp_path: Path,
    make: Callable[[Path], Path],
    content_type: str,
    size: tuple[int, int],
    seconds: float,
    rate: float,
) -> None:
    """Rungs are H.264 and AAC in four-second segments that begin with keyframes at the same times in all rungs."""
    made = await _made(tmp_path / "work", make(tmp_path), content_type)
    assert (made.film.width, made.film.height) == size
    assert made.film.duration_ms == pytest.approx(seconds * 1000, abs=100)
    starts = []
    for number, rung in enumerate(made.rungs):
        lengths = [length for length, _ in made.playlist(number)]
        assert lengths[:-1] == pytest.approx([4.0] * (len(lengths) - 1), abs=0.05)
        assert sum(lengths) == pytest.approx(seconds, abs=0.1)
        played = [play(segment) for segment in made.segments(number)]
        assert {each.size for each in played} == {(rung.rung.width, rung.rung.height)}
        assert {each.codecs for each in played} == {("h264", "aac")}
        assert {each.pixel_format for each in played} == {"yuv420p"}
        assert all(each.is_key_first for each in played)
        assert sum(each.frames for each in played) == pytest.approx(seconds * rate, abs=2)
        assert rung.rung.frame_rate == pytest.approx(rate, abs=0.001)
        assert not any(films.PLACE_WORDS in segment or b"+48.0" in segment for segment in made.segments(number))
        starts.append([each.first_time for each in played])
    assert all(each == starts[0] for each in starts)
    assert max(made.seconds) == pytest.approx(seconds, abs=0.2)


async def test_rung_properties(tmp_path: Path) -> None:
    """Bandwidths match the segments, codecs the stream, and the name the content."""
    film = films.moving(tmp_path / "a.mp4", "426x240", "30", 5)
    first, second = [await _made(tmp_path / name, film, MP4) for name in ("one", "two")]
    (rung,) = first.rungs
    sizes = [each.path.stat().st_size for each in rung.files[2:]]
    lengths = [length for length, _ in first.playlist(0)]
    peak = max(size * 8 / length for size, length in zip(sizes, lengths, strict=True))
    assert rung.rung.bandwidth == pytest.approx(peak, rel=0.01)
    assert rung.rung.average_bandwidth == pytest.approx(sum(sizes) * 8 / sum(lengths), rel=0.01)
    assert rung.rung.codecs.startswith("avc1.6400")
    assert rung.rung.codecs.endswith(",mp4a.40.2")
    assert rung.rung.playlist.startswith("240p-")
    assert rung.rung.playlist == second.rungs[0].rung.playlist


async def test_silent(tmp_path: Path) -> None:
    """A silent film has silent rungs, and they claim no sound."""
    made = await _made(tmp_path / "work", films.silent(tmp_path / "a.mp4", "320x240", "25", 1), MP4)
    assert made.rungs[0].rung.codecs.count(",") == 0
    assert play(made.segments(0)[0]).codecs == ("h264",)


@pytest.mark.parametrize(
    ("degrees", "corners"),
    [
        (0, (pictures.RED, pictures.GREEN, pictures.BLUE, pictures.YELLOW)),
        (90, (pictures.GREEN, pictures.YELLOW, pictures.RED, pictures.BLUE)),
        (180, (pictures.YELLOW, pictures.BLUE, pictures.GREEN, pictures.RED)),
        (270, (pictures.BLUE, pictures.RED, pictures.YELLOW, pictures.GREEN)),
    ],
)
async def test_rotated(tmp_path: Path, degrees: int, corners: tuple[pictures.Colour, ...]) -> None:
    """A portrait film stays portrait, including its poster."""
    made = await _made(tmp_path / "work", films.rotated(tmp_path / "a.mov", 480, 320, degrees), MOV)
    shown = (320, 480) if degrees in {90, 270} else (480, 320)
    assert (made.film.width, made.film.height) == shown
    assert (made.rungs[-1].rung.width, made.rungs[-1].rung.height) == shown
    assert play(made.segments(len(made.rungs) - 1)[0]).size == shown
    poster = await make_poster(Ffmpeg(find_ffmpeg(None)), made.folder, made.film)
    with Image.open(poster / "original") as picture:
        assert picture.size == shown
        found = pictures.corner_colours(picture)
    strong = [tuple(part > 100 for part in colour) for colour in found]
    assert strong == [tuple(part > 100 for part in colour) for colour in corners]


async def test_one_frame(tmp_path: Path) -> None:
    """A film with one frame is accepted."""
    made = await _made(tmp_path / "work", films.silent(tmp_path / "a.mp4", "64x64", "25", 0.04), MP4)
    assert play(made.segments(0)[0]).frames >= 1
    poster = await make_poster(Ffmpeg(find_ffmpeg(None)), made.folder, made.film)
    with Image.open(poster / "original") as picture:
        assert picture.size == (64, 64)


async def test_mp4(tmp_path: Path) -> None:
    """The MP4 holds the whole rung, its index first, without place or camera."""
    made = await _made(tmp_path / "work", films.moving(tmp_path / "a.mp4", "426x240", "30", 5), MP4)
    path = await make_mp4(Ffmpeg(find_ffmpeg(None)), made.folder, made.film, plan_rungs(made.film)[0])
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert films.PLACE_WORDS not in content
    played = play(content)
    assert (played.size, played.frames, played.codecs) == ((426, 240), 150, ("h264", "aac"))


async def test_recorded_by_a_browser(tmp_path: Path) -> None:
    """A WebM without length and duration, as browsers record it, keeps its real length."""
    known, unknown = films.moving(tmp_path / "a.webm", "320x240", "30", 2), tmp_path / "b.webm"
    films.run_ffmpeg("-i", str(known), "-c", "copy", "-f", "webm", "-live", "1", str(unknown))
    made = await _made(tmp_path / "work", unknown, WEBM)
    assert made.film.duration_ms == pytest.approx(2000, abs=100)
    assert play(made.segments(0)[0]).frames == pytest.approx(60, abs=2)


def test_other_ffmpeg(tmp_path: Path) -> None:
    """The settings may choose another ffmpeg; the error for one that cannot run names the setting."""
    other = tmp_path / "ffmpeg"
    shutil.copy("/bin/true", other)
    assert find_ffmpeg(other) == other
    with pytest.raises(FfmpegError, match="LENSFEED_FFMPEG_BINARY"):
        find_ffmpeg(tmp_path / "nothing")
